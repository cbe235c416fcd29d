import { beforeEach, expect, test } from "vitest";
import type { Arrival } from "../../../../src/primary/connections/arrival";
import { Handoff } from "../../../../src/primary/connections/handoff";
import { unseal } from "../../../../src/protocol/ipc";
import type { MovedSession } from "../../../../src/protocol/messages";
import { clock } from "../../../helpers/clock";
import { everything, socketPair } from "../../../helpers/sockets";

/** Node's `send`, as the test wants it to end. */
interface Sent {
  seq: number;
  head: string;
  callback: (error: Error | null) => void;
}

let sent: Sent[];
let returned: Arrival[];

beforeEach(() => {
  sent = [];
  returned = [];
});

function handoff(limits = { queueTimeoutMs: 5000, maxPending: 100 }): Handoff {
  return new Handoff(
    clock,
    limits,
    (message, _handle, callback) => {
      const { handoff: seq, head } = unseal(message) as { handoff: number; head: string };
      sent.push({ seq, head, callback });
    },
    (arrival) => returned.push(arrival),
  );
}

async function arrival(name: string): Promise<Arrival> {
  return { socket: (await socketPair()).accepted, head: Buffer.from(name, "latin1"), attempts: 0 };
}

test("an accepted connection is the worker's: our handle is closed", async () => {
  const to = handoff();
  const one = await arrival("one\xff");
  to.offer(one, 0);
  expect(sent).toMatchObject([{ head: "one\xff" }]);
  expect(one.socket.destroyed).toBe(false);
  expect(to.pending).toBe(1);
  to.accepted(sent[0]!.seq);
  expect(one.socket.destroyed).toBe(true);
  expect({ pending: to.pending, count: to.count, returned }).toEqual({ pending: 0, count: 1, returned: [] });
});

test("a refused connection goes to somebody else, once", async () => {
  const to = handoff();
  const one = await arrival("one");
  to.offer(one, 0);
  to.refused(sent[0]!.seq);
  to.refused(sent[0]!.seq);
  to.accepted(sent[0]!.seq);
  to.abandon();
  expect(returned).toEqual([one]);
  expect(one.socket.destroyed).toBe(false);
});

test("a connection that could not be sent goes to somebody else, once", async () => {
  const to = handoff();
  const one = await arrival("one");
  to.offer(one, 0);
  sent[0]!.callback(new Error("EPIPE"));
  to.abandon();
  expect(returned).toEqual([one]);
});

test("when the worker is gone, somebody else gets all that it had not accepted, nothing twice", async () => {
  const to = handoff();
  const all = await Promise.all(Array.from({ length: 80 }, (_, i) => arrival(String(i))));
  for (const each of all) to.offer(each, 0);
  expect(sent).toHaveLength(64);
  to.accepted(sent[1]!.seq);
  to.abandon();
  for (const { seq, callback } of [...sent]) {
    callback(new Error("gone"));
    to.accepted(seq);
  }
  expect(new Set(returned)).toEqual(new Set(all.filter((_, i) => i !== 1)));
  expect(returned).toHaveLength(79);
  expect(to.count).toBe(1);
});

test("so many are on their way at once; each answer lets the next one go", async () => {
  const to = handoff();
  for (let i = 0; i < 66; i++) to.offer(await arrival(String(i)), 0);
  expect(sent).toHaveLength(64);
  to.accepted(sent[0]!.seq);
  to.refused(sent[1]!.seq);
  expect(sent.slice(64).map(({ head }) => head)).toEqual(["64", "65"]);
});

test("what waits too long, or is the oldest of too many, is told to try again", async () => {
  const to = handoff({ queueTimeoutMs: 50, maxPending: 1 });
  for (let i = 0; i < 64; i++) to.offer(await arrival(String(i)), 0);
  const [oldest, youngest] = [await socketPair(), await socketPair()];
  for (const { accepted: socket } of [oldest, youngest])
    to.offer({ socket, head: Buffer.from("late"), attempts: 0 }, 0);
  expect(to.pending).toBe(65);
  expect(await everything(oldest.client)).toMatch(/^HTTP\/1.1 503 [\s\S]*Retry-After: /);
  expect(await everything(youngest.client)).toMatch(/^HTTP\/1.1 503 /);
  expect(to.pending).toBe(64);
});

test("a session that waits too long, or has lost its connection, is not answered: it can still go elsewhere", async () => {
  const to = handoff({ queueTimeoutMs: 50, maxPending: 100 });
  const session = { sid: "a session" } as MovedSession;
  const [closed, late] = [await arrival(""), await arrival("")];
  closed.socket.destroy();
  to.offer({ ...closed, session }, 0);
  expect(returned).toMatchObject([{ session, socket: closed.socket }]);
  for (let i = 0; i < 64; i++) to.offer(await arrival(String(i)), 0);
  to.offer({ ...late, session }, 0);
  await expect.poll(() => returned.length).toBe(2);
  expect(returned[1]).toMatchObject({ session, socket: { destroyed: false, writableEnded: false } });
});

test("a connection that its client has closed is not sent", async () => {
  const to = handoff();
  const one = await arrival("one");
  one.socket.destroy();
  to.offer(one, 0);
  expect({ sent, pending: to.pending }).toEqual({ sent: [], pending: 0 });
});
