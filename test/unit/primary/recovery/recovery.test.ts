import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type RecoveringWorker, Recovery } from "../../../../src/primary/recovery/recovery";
import { decodeFrame, encodeFrame } from "../../../../src/protocol/codec";
import type { Cast, Restored, ToWorker } from "../../../../src/protocol/messages";
import { offsetOfOrder } from "../../../../src/protocol/offset";
import { keyOfRoom, type RoomKey } from "../../../../src/protocol/room-key";
import { clock } from "../../../helpers/clock";

/** A worker that does nothing by itself. */
class FakeWorker implements RecoveringWorker {
  capacity = { now: 1e6, most: 1e6 };
  readonly got: ToWorker[] = [];
  send(message: ToWorker): void {
    this.got.push(message);
  }
  take(): ToWorker[] {
    return this.got.splice(0);
  }
  /** The answers to `restore` so far: what was restored, or why not. */
  answers() {
    return (this.take() as Restored[]).map(({ seq, session, reason, missed }) => ({
      seq,
      found: session ? missed.map(({ order }) => order) : reason,
    }));
  }
}

const room = keyOfRoom("room")!;
const surrender = { type: "surrender", scope: 1, nsp: "/", sid: "sid" };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start({ maxBytes = 1e6, maxSessions = 100 } = {}) {
  const revived: [FakeWorker, RoomKey[]][] = [];
  const onRevived = (worker: FakeWorker, { rooms }: { rooms: Map<RoomKey, number> }) => {
    revived.push([worker, [...rooms.keys()]]);
  };
  const recovery = new Recovery<FakeWorker>({ maxBytes, maxSessions }, onRevived, clock);
  recovery.enable("uid", 1, 10_000, 500);
  const [a, b, c] = [new FakeWorker(), new FakeWorker(), new FakeWorker()];
  return {
    ...{ recovery, revived, a, b, c },
    open: (worker: FakeWorker, sid = "sid") =>
      recovery.handle(worker, {
        ...{
          at: 0,
          scope: 1,
          type: "session-open",
          nsp: "/",
          sid,
          pid: `pid of ${sid}`,
          rooms: [room],
          data: "data",
        },
      }),
    lost: (worker: FakeWorker, sid = "sid") =>
      recovery.handle(worker, { at: 0, scope: 1, type: "session-lost", nsp: "/", sid, data: "last data" }),
    over: (worker: FakeWorker) =>
      recovery.handle(worker, { at: 0, scope: 1, type: "session-over", nsp: "/", sid: "sid" }),
    surrendered: (worker: FakeWorker) =>
      recovery.handle(worker, { at: 0, scope: 1, type: "surrendered", nsp: "/", sid: "sid" }),
    restore: (worker: FakeWorker, seq = 1, order?: number, sid = "sid") => {
      const offset = order === undefined ? "" : offsetOfOrder(recovery.epoch, order);
      recovery.handle(worker, {
        at: 0,
        scope: 1,
        type: "restore",
        seq,
        nsp: "/",
        pid: `pid of ${sid}`,
        offset,
      });
    },
    /** A packet to the room, or to everybody; returns the place it gets. */
    packet: (bytes = 1, rooms = [room]): number => {
      const target = { nsp: "/", rooms, except: [] };
      const frame = encodeFrame({
        ...{ type: "cast", scope: 1, volatile: false, time: 0, target, payload: Buffer.alloc(bytes) },
      });
      recovery.keep(decodeFrame(frame) as Cast, frame);
      return (decodeFrame(frame) as Cast).order!;
    },
  };
}

test("packets are numbered in the order in which they come, in their frames", () => {
  const { packet } = start();
  expect([packet(), packet(), packet()]).toEqual([1, 2, 3]);
});

test("a lost session is restored with all it was and all that its client has missed, in order", () => {
  const { recovery, a, b, open, lost, restore, packet, revived } = start();
  open(a);
  for (let i = 0; i < 3; i++) packet();
  lost(a);
  packet();
  restore(b, 7, 2);
  const session = { nsp: "/", sid: "sid", pid: "pid of sid", rooms: [room], data: "last data" };
  expect(b.take()).toMatchObject([
    { type: "restored", seq: 7, session, order: 4, missed: [{ order: 3 }, { order: 4 }] },
  ]);
  expect(revived).toEqual([[b, [room]]]);
  expect(a.take()).toEqual([]);
  expect(recovery.stats).toMatchObject({ sessions: 1, packets: 4 });
});

test("a client that has not received anything gets everything since its session was opened", () => {
  const { a, b, open, lost, restore, packet } = start();
  packet();
  open(a);
  packet();
  lost(a);
  restore(b);
  expect(b.answers()).toEqual([{ seq: 1, found: [2] }]);
});

test("nothing is missed that was sent before the session was opened, whatever the offset says", () => {
  const { a, b, open, lost, restore, packet } = start();
  packet(1, []);
  open(a);
  packet(1, []);
  lost(a);
  restore(b, 1, 0);
  expect(b.answers()).toEqual([{ seq: 1, found: [2] }]);
});

test("rooms and data are as the worker told last, also when it was killed; a room that was left counts to its end", () => {
  const { recovery, a, b, open, restore, packet } = start();
  const other = keyOfRoom(1)!;
  open(a);
  packet();
  recovery.handle(a, {
    at: 0,
    scope: 1,
    type: "session-rooms",
    nsp: "/",
    sid: "sid",
    joined: [other],
    left: [room],
  });
  recovery.handle(a, { at: 0, scope: 1, type: "session-data", nsp: "/", sid: "sid", data: "newer" });
  packet();
  recovery.left(a);
  restore(b);
  expect(b.take()).toMatchObject([{ session: { rooms: [other], data: "newer" }, missed: [{ order: 1 }] }]);
});

test("another worker cannot speak of a session", () => {
  const { recovery, a, b, c, open, lost, over, restore } = start();
  open(a);
  over(b);
  lost(b);
  recovery.handle(b, {
    at: 0,
    scope: 1,
    type: "session-rooms",
    nsp: "/",
    sid: "sid",
    joined: [],
    left: [room],
  });
  recovery.handle(b, { at: 0, scope: 1, type: "session-data", nsp: "/", sid: "sid", data: "forged" });
  recovery.left(a);
  restore(c);
  expect(c.take()).toMatchObject([{ session: { rooms: [room], data: "data" } }]);
});

test("a live session is given up by its worker first", () => {
  const { a, b, open, lost, surrendered, restore, packet } = start();
  open(a);
  packet();
  restore(b);
  expect([a.take(), b.take()]).toEqual([[surrender], []]);
  packet();
  lost(a);
  surrendered(a);
  expect(b.answers()).toEqual([{ seq: 1, found: [1, 2] }]);
});

test("a worker that dies while it should give up a session has given it up", () => {
  const { recovery, a, b, open, restore } = start();
  open(a);
  restore(b);
  recovery.left(a);
  expect(b.answers()).toEqual([{ seq: 1, found: [] }]);
});

test("a worker that does not answer loses the session, and what it says of it later is of the past", () => {
  const { recovery, a, b, c, open, lost, surrendered, restore, over } = start();
  open(a);
  restore(b, 1);
  vi.advanceTimersByTime(900);
  expect(b.take()).toEqual([]);
  vi.advanceTimersByTime(200);
  expect(b.answers()).toEqual([{ seq: 1, found: [] }]);
  // Now it comes back to the first one, which is still asleep.
  lost(b);
  restore(a, 2);
  expect(a.take()).toMatchObject([surrender, { type: "restored", seq: 2 }]);
  // It wakes up and does all it was asked to do.
  lost(a);
  over(a);
  surrendered(a);
  expect(recovery.stats.sessions).toBe(1);
  // The session lives there all the same.
  restore(c, 3);
  expect([a.take(), c.take()]).toEqual([[surrender], []]);
  lost(a);
  surrendered(a);
  expect(c.answers()).toEqual([{ seq: 3, found: [] }]);
});

/** A client was on `a` and came back to `b`, then to `c`, before `a` gave its session up. */
function cameBackTwice() {
  const parts = start();
  parts.open(parts.a);
  parts.restore(parts.b, 1);
  parts.restore(parts.c, 2);
  parts.lost(parts.a);
  parts.surrendered(parts.a);
  expect(parts.c.answers()).toEqual([{ seq: 2, found: [] }]);
  return parts;
}

test("of a client that comes back twice in quick succession, the later connection gets the session", () => {
  const { a, b, c, lost, surrendered, restore } = cameBackTwice();
  expect([a.take(), b.take()]).toEqual([[surrender], []]);
  // And once more, to where it has just been.
  restore(b, 3);
  expect(b.answers()).toEqual([{ seq: 1, found: "unknown" }]);
  restore(a, 4);
  lost(c);
  surrendered(c);
  expect(a.take()).toMatchObject([{ type: "restored", seq: 4, session: { sid: "sid" } }]);
  expect([b.take(), c.take()]).toEqual([[], [surrender]]);
  vi.advanceTimersByTime(4000);
  expect([a.take(), b.answers(), c.take()]).toEqual([[], [{ seq: 3, found: "unknown" }], []]);
});

test("the earlier of two connections gets the session if the later is closed already: its worker asked late", () => {
  const { recovery, a, b, c, lost, surrendered, restore } = cameBackTwice();
  lost(c);
  expect(b.answers()).toEqual([{ seq: 1, found: [] }]);
  // The same if the later one's worker exits.
  restore(a, 3);
  restore(c, 4);
  lost(b);
  surrendered(b);
  expect(c.answers()).toEqual([{ seq: 4, found: [] }]);
  a.take();
  recovery.left(c);
  expect(a.answers()).toEqual([{ seq: 3, found: [] }]);
  // Nobody waits any more.
  vi.advanceTimersByTime(5000);
  expect([a.take(), b.take(), c.take()]).toEqual([[], [surrender], []]);
});

test("all connections that wait for a session are refused when it is over", () => {
  const { b, c, over } = cameBackTwice();
  over(c);
  expect(b.answers()).toEqual([{ seq: 1, found: "unknown" }]);
});

test("who waits for a session that has moved to another worker meanwhile gets it from there", () => {
  const { a, b, c, open, lost, surrendered, restore } = start();
  open(a);
  restore(b, 1);
  open(c);
  surrendered(a);
  expect([b.take(), c.take()]).toEqual([[], [surrender]]);
  lost(c);
  surrendered(c);
  expect(b.answers()).toEqual([{ seq: 1, found: [] }]);
});

test("a session waits for the next connection if the worker it was to go to dies", () => {
  const { recovery, a, b, c, open, lost, surrendered, restore } = start();
  open(a);
  restore(b, 1);
  recovery.left(b);
  lost(a);
  surrendered(a);
  expect(b.take()).toEqual([]);
  restore(c, 2);
  expect(c.answers()).toEqual([{ seq: 2, found: [] }]);
});

test("a session that ends while another worker asks for it is over", () => {
  const { a, b, open, over, surrendered, restore } = start();
  open(a);
  restore(b);
  over(a);
  surrendered(a);
  expect(b.answers()).toEqual([{ seq: 1, found: "unknown" }]);
});

test("a session that cannot be restored says why", () => {
  const { a, b, open, lost, restore, packet } = start({ maxBytes: 1000, maxSessions: 2 });
  restore(b, 1);
  for (const sid of ["expired", "late"]) open(a, sid);
  lost(a, "expired");
  vi.advanceTimersByTime(12_000);
  restore(b, 2, undefined, "expired");
  for (const sid of ["1", "2", "3"]) {
    open(a, sid);
    lost(a, sid);
  }
  restore(b, 3, undefined, "1");
  for (let i = 0; i < 5; i++) packet(300);
  restore(b, 4, undefined, "2");
  restore(b, 5, 1, "3");
  expect(b.answers()).toEqual([
    { seq: 1, found: "unknown" },
    { seq: 2, found: "expired" },
    { seq: 3, found: "evicted" },
    { seq: 4, found: "evicted" },
    { seq: 5, found: "evicted" },
  ]);
});

test("a client that has missed more than its worker can be told at once gets a fresh session", () => {
  const { recovery, a, b, open, lost, restore, packet } = start();
  b.capacity.most = 20_000;
  for (const sid of ["little", "much"]) {
    open(a, sid);
    packet(5000);
    lost(a, sid);
  }
  packet(5000);
  const data = "x".repeat(20_000);
  open(a, "data");
  recovery.handle(a, { at: 0, scope: 1, type: "session-lost", nsp: "/", sid: "data", data });
  restore(b, 1, 2, "much");
  restore(b, 2, 1, "little");
  restore(b, 3, 3, "data");
  expect(b.answers()).toEqual([
    { seq: 1, found: [3] },
    { seq: 2, found: "evicted" },
    { seq: 3, found: "evicted" },
  ]);
});

test("a worker that has no room now is told later, in order, and others meanwhile", () => {
  const { a, b, c, open, lost, restore, packet } = start();
  for (const sid of ["1", "2", "3"]) {
    open(a, sid);
    lost(a, sid);
  }
  packet(5000);
  b.capacity.now = 12_000;
  restore(b, 1, undefined, "1");
  restore(b, 2, 1, "2");
  restore(c, 3, undefined, "3");
  expect([b.take(), c.answers()]).toEqual([[], [{ seq: 3, found: [1] }]]);
  vi.advanceTimersByTime(1000);
  packet(1);
  b.capacity.now = 1e6;
  vi.advanceTimersByTime(20);
  // What came meanwhile is in the answer.
  expect(b.answers()).toEqual([
    { seq: 1, found: [1, 2] },
    { seq: 2, found: [2] },
  ]);
});

test("a worker that never has room is told that the session cannot be restored, and another gets it", () => {
  const { recovery, a, b, c, open, lost, restore } = start();
  recovery.enable("uid", 1, 60_000, 500);
  open(a);
  lost(a);
  b.capacity.now = 0;
  restore(b, 1);
  vi.advanceTimersByTime(15_100);
  expect(b.answers()).toEqual([{ seq: 1, found: "unknown" }]);
  restore(c, 2);
  expect(c.answers()).toEqual([{ seq: 2, found: [] }]);
});

test("when very many come back together, some are restored in each turn of the event loop", () => {
  const { a, b, open, lost, restore } = start({ maxSessions: 1000 });
  const count = 1000;
  for (let i = 0; i < count; i++) {
    open(a, String(i));
    lost(a, String(i));
  }
  const perTurn: number[] = [];
  for (let i = 0; i < count; i++) restore(b, i, undefined, String(i));
  for (let turn = 0; turn < 4; turn++) {
    perTurn.push(b.take().length);
    vi.advanceTimersToNextTimer();
  }
  expect(perTurn).toEqual([420, 420, 160, 0]);
});

test("a client whose last packet is older than the log is restored: it has answered pings since", () => {
  const { recovery, a, b, open, lost, restore, packet } = start();
  open(a, "quiet");
  recovery.handle(a, {
    at: 0,
    scope: 1,
    type: "session-rooms",
    nsp: "/",
    sid: "quiet",
    joined: [],
    left: [room],
  });
  for (let second = 0; second < 60; second++) {
    packet();
    vi.advanceTimersByTime(1000);
  }
  expect(recovery.stats.packets).toBeLessThan(15);
  lost(a, "quiet");
  const next = packet();
  restore(b, 1, 0, "quiet");
  expect(next).toBe(61);
  expect(b.answers()).toEqual([{ seq: 1, found: [] }]);
});

test("what a client may not have received for want of a pong is not taken for received", () => {
  const { a, b, open, lost, restore, packet } = start({ maxBytes: 1000 });
  open(a);
  vi.advanceTimersByTime(60_000);
  // All this in the last moment before the loss is noticed, more than the log holds.
  for (let i = 0; i < 5; i++) packet(300);
  lost(a);
  restore(b, 1, 0);
  expect(b.answers()).toEqual([{ seq: 1, found: "evicted" }]);
});

test("a foreign offset restores nothing", () => {
  const { recovery, a, b, open, lost } = start();
  open(a);
  lost(a);
  recovery.handle(b, {
    at: 0,
    scope: 1,
    type: "restore",
    seq: 1,
    nsp: "/",
    pid: "pid of sid",
    offset: "other1",
  });
  expect(b.answers()).toEqual([{ seq: 1, found: "evicted" }]);
});

test("sessions are kept for as long as the adapters say that are there, or those that were last", () => {
  const { recovery, a, open, lost, restore } = start();
  const isKeptFor = (ms: number) => {
    open(a);
    lost(a);
    vi.advanceTimersByTime(ms);
    restore(a);
    return a.answers().at(-1)?.found !== "expired";
  };
  recovery.enable("of a new worker", 1, 3000, 500);
  expect(isKeptFor(9000)).toBe(true);
  recovery.disable("uid");
  expect(isKeptFor(2000)).toBe(true);
  expect(isKeptFor(5000)).toBe(false);
  recovery.disable("of a new worker");
  expect(isKeptFor(2000)).toBe(true);
  expect(isKeptFor(5000)).toBe(false);
  recovery.enable("of a newer worker", 1, 6000, 500);
  recovery.disable("of a newer worker");
  expect(isKeptFor(5000)).toBe(true);
});

test("a session is kept for as long as its own server says, whatever another server's sessions are kept for", () => {
  const { recovery, a, b, open, lost, restore } = start();
  recovery.enable("of another server", 2, 60_000, 500);
  open(a);
  lost(a);
  const other = { ...{ at: 0, scope: 2, nsp: "/", sid: "sid" }, pid: "pid of sid" };
  recovery.handle(a, { ...other, type: "session-open", rooms: [], data: "" });
  recovery.handle(a, { ...other, type: "session-lost", data: "" });
  vi.advanceTimersByTime(10_500);
  restore(b, 1);
  recovery.handle(b, { ...other, type: "restore", seq: 2, offset: "" });
  expect(b.answers()).toEqual([
    { seq: 1, found: "expired" },
    { seq: 2, found: [] },
  ]);
  recovery.close();
});
