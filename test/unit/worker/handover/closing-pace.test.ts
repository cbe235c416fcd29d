import { expect, test, vi } from "vitest";
import { Drain } from "../../../../src/worker/handover/drain";
import { Connections } from "../../../../src/worker/http/connections";
import { clock } from "../../../helpers/clock";
import { until } from "../../../helpers/daemon";

/** Has a worker close so many sessions that it cannot move; returns how many it closed at once, step by step. */
async function stepsOf(count: number, withinMs: number): Promise<number[]> {
  const steps: number[] = [];
  let inStep = false;
  const sessions = Array.from({ length: count }, () => ({
    readyState: "open",
    close() {
      this.readyState = "closing";
      if (!inStep) {
        steps.push(0);
        setImmediate(() => {
          inStep = false;
        });
      }
      inStep = true;
      steps[steps.length - 1]!++;
    },
  }));
  const parts = [
    { send: () => {}, clock },
    { all: () => sessions, count },
    new Connections(() => {}),
    { draining: false },
    { ready: [{}] },
  ];
  const drain = new Drain(...(parts as unknown as ConstructorParameters<typeof Drain>));
  drain.start({ moves: false, ackTimeoutMs: 5000 }, withinMs);
  await until(() => drain.closed === count || undefined, "all sessions to be closed");
  return steps;
}

test("sessions that cannot move are closed a few at a time", async () => {
  expect(await stepsOf(105, 30_000)).toEqual([...Array(10).fill(10), 5]);
});

test("but as many as it takes to be done in the time there is", async () => {
  const steps = await stepsOf(20_000, 1000);
  expect(steps.length).toBeGreaterThan(1);
  expect(steps.length).toBeLessThanOrEqual(40);
});

test("sessions that may not move stay where they are when a worker is to give some away", async () => {
  const move = vi.fn();
  const link = { send: move, clock };
  const parts = [
    link,
    { all: () => [{ readyState: "open" }], count: 1 },
    new Connections(() => {}),
    {},
    { canMove: true },
  ];
  const drain = new Drain(...(parts as unknown as ConstructorParameters<typeof Drain>));
  await drain.shed(1, { moves: false, ackTimeoutMs: 5000 });
  expect(move).not.toHaveBeenCalled();
});
