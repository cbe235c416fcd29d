import { expect, test } from "vitest";
import { decodeFrame, encodeFrame } from "../../../src/protocol/codec";
import { fromWorker } from "../../../src/protocol/shapes";
import type { Nsp } from "../../../src/worker/socket-io/objects";
import { recoverableMs } from "../../../src/worker/socket-io/recovering";

test.each([60_000, Number.POSITIVE_INFINITY])("sessions that can be restored for %d ms can be told", (ms) => {
  const opts = { connectionStateRecovery: { maxDisconnectionDuration: ms } };
  const told = recoverableMs({ name: "/", server: { opts } } as Nsp);
  const message = decodeFrame(
    encodeFrame({ type: "adapter-open", scope: 0, nsp: "/", uid: "u", recoverableMs: told }),
  );
  expect(fromWorker(message)).toMatchObject({ recoverableMs: Math.min(ms, Number.MAX_SAFE_INTEGER) });
});
