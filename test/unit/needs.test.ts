import { expect, test } from "vitest";
import { needs } from "../helpers/needs";

const MISSING = "a-program-that-nobody-has";

const recording = () => {
  const words: (string | boolean | undefined)[] = [];
  const skip = (word?: string | boolean): never => {
    words.push(word);
    throw new Error("skipped");
  };
  return { context: { skip }, words };
};

test("a test that needs a program finds it in the PATH", () => {
  expect(needs(recording().context, "sh", { PATH: "/nowhere:/bin" })).toBe("/bin/sh");
});

test("a test whose program is missing is skipped, and says which one and where it comes from", () => {
  const { context, words } = recording();
  expect(() => needs(context, MISSING, { PATH: "/bin" })).toThrow("skipped");
  expect(words).toEqual([expect.stringContaining(`apt-get install ${MISSING}`)]);
});

test("in CI a test whose program is missing fails", () => {
  const { context, words } = recording();
  expect(() => needs(context, MISSING, { PATH: "/bin", CI: "true" })).toThrow(/is not installed/);
  expect(words).toEqual([]);
});
