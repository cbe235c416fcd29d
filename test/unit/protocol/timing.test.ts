import { expect, test } from "vitest";
import { appOptions } from "../../../src/config";
import * as timing from "../../../src/protocol/timing";

test("a worker waits for a session longer than the primary may need to restore it", () => {
  const { SURRENDER_TIMEOUT_MS, SURRENDERED_SESSION_WAIT_MS, RESTORE_QUEUE_WAIT_MS, RESTORE_TIMEOUT_MS } =
    timing;
  expect(SURRENDERED_SESSION_WAIT_MS).toBeGreaterThan(SURRENDER_TIMEOUT_MS);
  expect(RESTORE_TIMEOUT_MS).toBeGreaterThan(SURRENDERED_SESSION_WAIT_MS + RESTORE_QUEUE_WAIT_MS);
});

test("a session that moves is given up before its restore is", () => {
  expect(timing.NAMESPACE_REPLAY_TIMEOUT_MS).toBeLessThan(timing.RESTORE_TIMEOUT_MS);
});

test("no client waits until it is certain that there is no primary", () => {
  expect(timing.QUESTION_TIMEOUT_MS).toBeLessThan(timing.WELCOME_TIMEOUT_MS);
});

test("a drain lasts longer than the last session that waits for its client, and than all acknowledgements", () => {
  const { handover, drainTimeoutMs } = appOptions({});
  expect(timing.CLOSING_MS).toBeGreaterThan(timing.FLUSH_TIMEOUT_MS);
  expect(drainTimeoutMs).toBeGreaterThan(handover.ackTimeoutMs + timing.CLOSING_MS);
});

test("a worker lingers longer than another one needs to ask anew where to send a request", () => {
  expect(timing.LINGER_MS).toBeGreaterThan(timing.FORWARD_RETRY_MS);
});
