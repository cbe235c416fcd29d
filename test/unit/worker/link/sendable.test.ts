import { deserialize, serialize } from "node:v8";
import { expect, test } from "vitest";
import { sendable } from "../../../../src/worker/link/sendable";

const FUNCTION = () => {};
const THROWS = Object.defineProperty({ b: 2 }, "a", {
  enumerable: true,
  get() {
    throw new Error("not now");
  },
});

test.each([
  ["nothing", undefined, undefined, []],
  ["plain data", { a: [1n], b: new Date(0) }, { a: [1n], b: new Date(0) }, []],
  ["a function", { a: 1, b: FUNCTION }, { a: 1 }, ["b: () => {} could not be cloned."]],
  ["a function deep down", { a: { b: FUNCTION }, c: 1 }, { c: 1 }, ["a: () => {} could not be cloned."]],
  ["a getter that throws", THROWS, { b: 2 }, ["a: not now"]],
  ["a function instead of data", FUNCTION, {}, ["() => {} could not be cloned."]],
])("of %s, what can be sent is left", (_, data, left, why) => {
  const errors: string[] = [];
  const rest = sendable(data, ({ message }) => errors.push(message));
  expect(deserialize(serialize(rest))).toEqual(left);
  expect(errors).toEqual(why);
});
