import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Drain } from "../../../../src/primary/workers/drain";
import { clock } from "../../../helpers/clock";

const LIMITS = { standstillMs: 100, sessionStandstillMs: 500, timeoutMs: 2000 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function drain(sessions: number) {
  const reports: number[] = [];
  const made = new Drain(clock, (ms) => reports.push(ms));
  const state = { over: false };
  void made.begin(LIMITS, sessions).then(() => {
    state.over = true;
  });
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  return { drain: made, reports, state, pass };
}

test("a worker with sessions may wait for acknowledgements, one without stands still sooner", async () => {
  const { drain: running, state, pass } = drain(3);
  await pass(499);
  expect(state.over).toBe(false);
  running.progress(0);
  await pass(99);
  expect(state.over).toBe(false);
  await pass(1);
  expect(state.over).toBe(true);
});

test("a drain that makes progress goes on, but not for ever", async () => {
  const { drain: running, state, pass } = drain(30);
  for (let ms = 0; ms < 1900; ms += 100) {
    await pass(100);
    running.progress(1);
  }
  expect(state.over).toBe(false);
  await pass(100);
  expect(state.over).toBe(true);
});

test("it is reported once, when the last session has arrived", async () => {
  const { drain: running, reports, state, pass } = drain(2);
  running.sessionLeft();
  running.sessionLeft();
  running.sessionSettled();
  await pass(50);
  running.finish();
  await pass(0);
  expect(state.over).toBe(true);
  expect(reports).toEqual([]);
  await pass(30);
  running.sessionSettled();
  running.finish();
  expect(reports).toEqual([80]);
});

test("one that was stopped is reported when its worker is gone", async () => {
  const { drain: running, reports, state, pass } = drain(2);
  running.stop();
  await pass(0);
  expect(state.over).toBe(true);
  expect(reports).toEqual([]);
  running.finish();
  expect(reports).toHaveLength(1);
});

test("who asks again waits for the same end; who asks afterwards does not wait", async () => {
  const { drain: running, pass } = drain(2);
  let ends = 0;
  for (let n = 0; n < 2; n++) void running.begin(LIMITS, 2).then(() => ends++);
  await pass(499);
  expect(ends).toBe(0);
  running.finish();
  await pass(0);
  expect(ends).toBe(2);
  await running.begin(LIMITS, 2);
});
