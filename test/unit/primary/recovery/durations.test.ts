import { expect, test } from "vitest";
import { Durations } from "../../../../src/primary/recovery/durations";

function start() {
  const clock = { ms: 0 };
  return { clock, durations: new Durations(() => clock.ms) };
}

test("each scope has the longest duration of its own adapters, as soon as one says it", () => {
  const { durations } = start();
  durations.add("a", 1, 1000, 0);
  durations.add("b", 1, 3000, 0);
  durations.add("c", 2, 9000, 0);
  expect([1, 2, 3].map((scope) => durations.of(scope))).toEqual([3000, 9000, 0]);
  expect(durations.longest.ms).toBe(9000);
});

test("so it is with the time after which a silent client is lost", () => {
  const { durations } = start();
  durations.add("a", 1, 1000, 70);
  durations.add("b", 1, 3000, 50);
  durations.add("c", 2, 500, 90);
  expect([1, 2, 3].map((scope) => durations.pongOf(scope))).toEqual([70, 90, Number.POSITIVE_INFINITY]);
  expect(durations.longest).toEqual({ ms: 3000, pongMs: 90 });
});

test("a longer one counts until it is looked at after its adapter has gone", () => {
  const { durations } = start();
  durations.add("a", 1, 1000, 0);
  durations.add("b", 1, 3000, 0);
  durations.delete("b");
  expect(durations.of(1)).toBe(3000);
  durations.update();
  expect(durations.of(1)).toBe(1000);
});

test("the last one of a scope counts for as long as it says after the last adapter has gone", () => {
  const { clock, durations } = start();
  durations.add("a", 1, 1000, 0);
  clock.ms = 5000;
  durations.delete("a");
  clock.ms = 6000;
  durations.update();
  expect(durations.of(1)).toBe(1000);
  clock.ms = 6001;
  durations.update();
  expect(durations.of(1)).toBe(0);
  expect(durations.longest).toEqual({ ms: 0, pongMs: 0 });
});

test("an adapter may turn out to be of another scope", () => {
  const { durations } = start();
  durations.add("a", 1, 1000, 0);
  durations.add("b", 2, 500, 0);
  durations.move("a", 2);
  durations.move("unknown", 3);
  expect([1, 2, 3].map((scope) => durations.of(scope))).toEqual([1000, 1000, 0]);
});
