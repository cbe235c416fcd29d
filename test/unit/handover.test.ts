import { expect, test } from "vitest";
import { Handover } from "../../src/primary/handover";
import type { WorkerHandle } from "../../src/primary/worker-handle";
import type { MovedSession } from "../../src/protocol/messages";
import { socketPair } from "../helpers/sockets";

/** A worker as far as the handover looks at it; `got` is what it was offered. */
function fakeWorker() {
  const got: unknown[] = [];
  const offer = (arrival: unknown) => got.push(arrival);
  const worker = { arriving: 0, sessionsMoved: 0, sessionsFailed: 0, offer, send: () => {} };
  return { got, worker: worker as unknown as WorkerHandle };
}

const session = { sid: "a session", transport: "websocket" } as MovedSession;

test("a session moves on, though its socket comes before the word that it had come", async () => {
  const [first, second, third] = [fakeWorker(), fakeWorker(), fakeWorker()];
  const next = [second.worker, third.worker];
  const handover = new Handover({ pick: () => next.shift(), claim: () => {} });
  handover.announce(first.worker, session);
  handover.bring(first.worker, session.sid, (await socketPair()).accepted);
  expect(second.got).toMatchObject([{ session }]);

  // Announcements and sockets travel on different channels.
  const { accepted } = await socketPair();
  handover.bring(second.worker, session.sid, accepted);
  handover.adopted(second.worker, session.sid, true);
  handover.announce(second.worker, session);
  expect(third.got).toMatchObject([{ session, socket: accepted }]);
  handover.adopted(third.worker, session.sid, true);

  expect(handover).toMatchObject({ moved: 2, failed: 0 });
  for (const { worker } of [first, second])
    expect(worker).toMatchObject({ sessionsMoved: 1, sessionsFailed: 0 });
  for (const { worker } of [second, third]) expect(worker.arriving).toBe(0);
});
