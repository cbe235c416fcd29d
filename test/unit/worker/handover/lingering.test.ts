import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Drain } from "../../../../src/worker/handover/drain";
import { Connections } from "../../../../src/worker/http/connections";
import { clock } from "../../../helpers/clock";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A worker without sessions that has just begun to drain. */
function draining() {
  const send = vi.fn();
  const connections = new Connections(() => {});
  const sessions = { all: () => [], count: 0 };
  const parts = [{ send, clock }, sessions, connections, { draining: false }, { ready: [] }];
  const drain = new Drain(...(parts as unknown as ConstructorParameters<typeof Drain>));
  drain.start({ moves: true, ackTimeoutMs: 5000 }, 30_000);
  return { drain, connections, isDone: () => send.mock.calls.some(([{ type }]) => type === "drained") };
}

test("a worker that has nothing left waits a moment for requests that others sent before they knew", () => {
  const { drain, isDone } = draining();
  vi.advanceTimersByTime(90);
  expect([isDone(), drain.done]).toEqual([false, false]);
  vi.advanceTimersByTime(20);
  expect([isDone(), drain.done]).toEqual([true, true]);
});

test("each such request begins the moment anew, and is answered first", () => {
  const { drain, connections, isDone } = draining();
  vi.advanceTimersByTime(90);
  const answer = {} as never;
  connections.answersToPeers.add(answer);
  drain.heardFromPeer();
  vi.advanceTimersByTime(1000);
  expect(isDone()).toBe(false);
  drain.heardFromPeer();
  connections.answersToPeers.delete(answer);
  drain.check();
  vi.advanceTimersByTime(90);
  expect(isDone()).toBe(false);
  vi.advanceTimersByTime(20);
  expect(isDone()).toBe(true);
});
