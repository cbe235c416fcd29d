import { expect, test } from "vitest";
import { Balancer } from "../../../../src/primary/connections/balancer";

const workers = (...loads: number[]) => loads.map((load, index) => ({ load, index }));
const picks = (balancer: Balancer, from: { load: number; index: number }[], count: number) =>
  Array.from({ length: count }, () => balancer.pick(from)?.index);

test("least-connection takes the worker with the fewest", () => {
  expect(picks(new Balancer("least-connection"), workers(3, 1, 2), 3)).toEqual([1, 1, 1]);
});

test("least-connection: workers of equal load take turns", () => {
  expect(picks(new Balancer("least-connection"), workers(0, 0, 0), 6)).toEqual([0, 1, 2, 0, 1, 2]);
  expect(picks(new Balancer("least-connection"), workers(1, 0, 1, 0), 4)).toEqual([1, 3, 1, 3]);
});

test("round-robin does not look at the load", () => {
  expect(picks(new Balancer("round-robin"), workers(9, 0, 5), 6)).toEqual([0, 1, 2, 0, 1, 2]);
});

test("round-robin goes on when the number of workers changes", () => {
  const balancer = new Balancer("round-robin");
  expect(picks(balancer, workers(0, 0, 0), 2)).toEqual([0, 1]);
  expect(picks(balancer, workers(0, 0), 2)).toEqual([0, 1]);
});

test("random takes what chance says", () => {
  const chances = [0, 0.99, 0.5];
  expect(picks(new Balancer("random", () => chances.shift()!), workers(0, 0, 0), 3)).toEqual([0, 2, 1]);
});

test.each(["least-connection", "round-robin", "random"] as const)(
  "%s finds nobody where nobody is",
  (method) => {
    expect(new Balancer(method).pick([])).toBeUndefined();
  },
);
