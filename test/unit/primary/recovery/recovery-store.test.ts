import { expect, test } from "vitest";
import { RecoveryStore } from "../../../../src/primary/recovery/recovery-store";
import { keyOfRoom, type RoomKey } from "../../../../src/protocol/room-key";

const a = { name: "a" };
const b = { name: "b" };
const room = keyOfRoom("room")!;

function storeOf(maxLost = 10, maxBytes = 1e6) {
  const clock = { ms: 0 };
  const store = new RecoveryStore<object>(maxLost, maxBytes, () => clock.ms);
  const open = (worker: object, name: string, rooms: RoomKey[] = []) =>
    store.open(worker, { scope: 1, nsp: "/", sid: `sid-${name}`, pid: `pid-${name}`, rooms, data: "" }, 7);
  return { clock, store, open };
}

test("a session is known by its id to its worker, and by its private id to whoever comes back", () => {
  const { store, open } = storeOf();
  const session = open(a, "1", [room]);
  expect(session.rooms).toEqual(new Map([[room, 7]]));
  expect(store.get(a, 1, "/", "sid-1")).toBe(session);
  expect(store.get(b, 1, "/", "sid-1")).toBe(undefined);
  expect(store.find(1, "/", "pid-1")).toBe(session);
  expect(store.find(1, "/chat", "pid-1")).toBe("unknown");
  expect(store.find(2, "/", "pid-1")).toBe("unknown");
  expect(store.find(1, "/", "sid-1")).toBe("unknown");
});

test("a lost session belongs to nobody, a restored one to its new worker", () => {
  const { store, open } = storeOf();
  const session = open(a, "1");
  store.lose(session);
  expect(store.get(a, 1, "/", "sid-1")).toBe(undefined);
  store.revive(session, b);
  expect(store.get(b, 1, "/", "sid-1")).toBe(session);
  expect([...store.of(b)]).toEqual([session]);
  expect([...store.of(a)]).toEqual([]);
});

test("what was lost too long ago has expired; what lives does not expire", () => {
  const { clock, store, open } = storeOf();
  const [first, second, third] = [open(a, "1"), open(a, "2"), open(a, "3")];
  store.lose(first);
  clock.ms = 50;
  store.lose(second);
  clock.ms = 101;
  store.expire(100);
  expect(store.find(1, "/", "pid-1")).toBe("expired");
  expect(store.find(1, "/", "pid-2")).toBe(second);
  store.revive(second, b);
  clock.ms = 1000;
  store.expire(100);
  expect(store.find(1, "/", "pid-2")).toBe(second);
  expect(store.find(1, "/", "pid-3")).toBe(third);
});

test("of too many lost sessions the oldest is evicted, and counted", () => {
  const { store, open } = storeOf(2);
  const sessions = ["1", "2", "3", "4"].map((name) => open(a, name));
  for (const session of sessions.slice(0, 3)) store.lose(session);
  expect(store.find(1, "/", "pid-1")).toBe("evicted");
  expect(store.find(1, "/", "pid-2")).toBe(sessions[1]);
  expect(store.evicted).toBe(1);
  expect(store.size).toBe(3);
});

test("a session that is over is not remembered", () => {
  const { store, open } = storeOf();
  store.forget(open(a, "1"));
  expect(store.find(1, "/", "pid-1")).toBe("unknown");
  expect(store.size).toBe(0);
});

test("lost sessions are bounded by their bytes: their data and rooms count, those of live ones do not", () => {
  const { store, open } = storeOf(10, 30_000);
  const [first, second, third] = ["1", "2", "3"].map((name) => open(a, name, [room]));
  for (const session of [first!, second!, third!]) session.data = "x".repeat(12_000);
  store.lose(first!);
  store.lose(second!);
  expect(store.evicted).toBe(0);
  store.revive(first!, b);
  store.lose(third!);
  expect([store.evicted, store.bytes > 24_000]).toEqual([0, true]);
  store.lose(first!);
  expect([store.evicted, store.find(1, "/", "pid-2"), store.find(1, "/", "pid-1")]).toEqual([
    1,
    "evicted",
    first,
  ]);
  store.forget(third!);
  store.expire(-1);
  expect(store.bytes).toBe(0);
  // Too large for the limit alone.
  const huge = open(a, "4");
  huge.data = "x".repeat(30_001);
  store.lose(huge);
  expect([store.find(1, "/", "pid-4"), store.bytes]).toEqual(["evicted", 0]);
});
