import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AgedSet } from "../../../../src/primary/connections/aged-set";
import { clock } from "../../../helpers/clock";

let expired: string[];
let set: AgedSet<string>;

beforeEach(() => {
  vi.useFakeTimers();
  expired = [];
  set = new AgedSet(clock, 100, (member) => expired.push(member));
});

afterEach(() => {
  vi.useRealTimers();
});

test("each member expires when its time has come, oldest first", () => {
  set.add("a");
  vi.advanceTimersByTime(60);
  set.add("b");
  vi.advanceTimersByTime(60);
  expect(expired).toEqual(["a"]);
  vi.advanceTimersByTime(60);
  expect(expired).toEqual(["a", "b"]);
  expect(set.size).toBe(0);
});

test("a member that was deleted, shifted or cleared does not expire", () => {
  for (const member of ["a", "b", "c", "d"]) set.add(member);
  expect(set.delete("b")).toBe(true);
  expect(set.delete("b")).toBe(false);
  expect(set.shift()).toBe("a");
  expect(set.clear()).toEqual(["c", "d"]);
  expect(set.shift()).toBeUndefined();
  vi.advanceTimersByTime(1000);
  expect(expired).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a member that is added again becomes the youngest", () => {
  set.add("a");
  set.add("b");
  vi.advanceTimersByTime(60);
  set.add("a");
  vi.advanceTimersByTime(60);
  expect(expired).toEqual(["b"]);
});

test("it can be used again after all have expired", () => {
  set.add("a");
  vi.advanceTimersByTime(100);
  set.add("b");
  vi.advanceTimersByTime(100);
  expect(expired).toEqual(["a", "b"]);
});

test("a callback that throws does not keep the others from expiring", () => {
  const gone: string[] = [];
  const fragile = new AgedSet<string>(clock, 100, (member) => {
    gone.push(member);
    if (member === "a") throw new Error("not this one");
  });
  for (const member of ["a", "b"]) fragile.add(member);
  expect(() => vi.advanceTimersByTime(100)).toThrow("not this one");
  vi.advanceTimersByTime(1);
  expect(gone).toEqual(["a", "b"]);
});
