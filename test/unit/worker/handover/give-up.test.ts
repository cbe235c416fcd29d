import { afterEach, expect, test, vi } from "vitest";
import { MoveTurns } from "../../../../src/worker/handover/move-turns";
import { fakeSession, leavingWorker } from "../../../helpers/fake-session";

afterEach(() => {
  vi.useRealTimers();
});

test("only so many sessions are without a server; the next one leaves when another has arrived", async () => {
  const { left, giveUp, settle } = leavingWorker(new MoveTurns(2));
  const all = ["a", "b", "c", "d"].map((id) => giveUp(fakeSession(id)));
  await Promise.all(all.slice(0, 2));
  expect(left).toEqual(["a", "b"]);

  settle("b");
  await all[2];
  expect(left).toEqual(["a", "b", "c"]);
  settle("a");
  await all[3];
  expect(left).toEqual(["a", "b", "c", "d"]);
});

test("a session that waits for an answer keeps no other from leaving", async () => {
  const { left, giveUp, settle } = leavingWorker(new MoveTurns(1));
  const asked = fakeSession("asked");
  asked.acks.set(1, () => {});
  const waiting = giveUp(asked);
  await giveUp(fakeSession("other"));
  settle("other");
  expect(left).toEqual(["other"]);

  asked.acks.clear();
  await waiting;
  expect(left).toEqual(["other", "asked"]);
});

test("a session that is asked while it waits for its turn is served before it leaves", async () => {
  const { left, giveUp, settle } = leavingWorker(new MoveTurns(1));
  const [first, busy, last] = [fakeSession("first"), fakeSession("busy"), fakeSession("last")];
  await giveUp(first);
  const [leaving, lasting] = [giveUp(busy), giveUp(last)];
  busy.acks.set(1, () => {});
  settle("first");
  await lasting;
  expect(left).toEqual(["first", "last"]);
  busy.acks.clear();
  settle("last");
  await leaving;
  expect(left).toEqual(["first", "last", "busy"]);
});

test("the time for answers does not run while a session waits for its turn", async () => {
  vi.useFakeTimers({ toFake: ["hrtime"] });
  const { left, giveUp, settle } = leavingWorker(new MoveTurns(1));
  const second = fakeSession("second");
  await giveUp(fakeSession("first"));
  const leaving = giveUp(second, 1000);
  vi.advanceTimersByTime(2000);
  second.acks.set(1, () => {});
  settle("first");
  await giveUp(fakeSession("third"));
  second.acks.clear();
  settle("third");
  await leaving;
  expect(left).toEqual(["first", "third", "second"]);
});

test("a session that is closed while it waits passes its turn on", async () => {
  const { left, giveUp, settle } = leavingWorker(new MoveTurns(1));
  const closed = fakeSession("closed");
  await giveUp(fakeSession("first"));
  const [gone, last] = [giveUp(closed), giveUp(fakeSession("last"))];
  Object.assign(closed.conn, { readyState: "closed" });
  settle("first");
  expect(await gone).toBe("stays");
  await last;
  expect(left).toEqual(["first", "last"]);
});
