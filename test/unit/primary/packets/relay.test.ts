import { afterEach, expect, test, vi } from "vitest";
import { EVERYBODY, keyOfRoom } from "../../../../src/protocol/room-key";
import { FakeWorker, fakeApp } from "../../../helpers/fake-worker";

afterEach(() => {
  vi.useRealTimers();
});

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const session = { at: 0, scope: 0, nsp: "/", sid: "sid", pid: "pid", rooms: [keyOfRoom("sid")!], data: "" };

test("a worker that a session is on its way to is told what is for everybody, until it says what became of it", async () => {
  const { app } = fakeApp();
  const [former, next] = [new FakeWorker(app), new FakeWorker(app)];
  const broadcast = async () => {
    const target = { nsp: "/", rooms: [], except: [] };
    former.say({ type: "cast", scope: 0, volatile: false, time: 0, target, payload: Buffer.from("packet") });
    await turn();
    return next.told("cast").length;
  };
  former.say({ type: "adapter-open", scope: 0, nsp: "/", uid: "uid", recoverableMs: 60_000, pongMs: 1000 });
  former.say({ ...session, type: "session-open" });
  former.say({ ...session, type: "session-lost" });
  expect(await broadcast()).toBe(0);
  next.say({ at: 0, scope: 0, type: "restore", seq: 1, nsp: "/", pid: "pid", offset: "" });
  await turn();
  expect(next.told("restored")).toMatchObject([{ seq: 1, session: { sid: "sid" } }]);
  expect(await broadcast()).toBe(1);
  next.say({ type: "settled", scope: 0, nsp: "/", rooms: [EVERYBODY, ...session.rooms] });
  expect(await broadcast()).toBe(1);
  app.close();
});

test("a publish goes to the workers with an adapter of its namespace and scope, and who asks is told to whom", async () => {
  const { app } = fakeApp();
  const [asker, both, chatOnly, otherScope] = Array.from({ length: 4 }, () => new FakeWorker(app)) as [
    FakeWorker,
    FakeWorker,
    FakeWorker,
    FakeWorker,
  ];
  otherScope.say({ type: "scope-open", scope: 1, path: "/other" });
  const open = (worker: FakeWorker, uid: string, nsp: string, scope = 0) =>
    worker.say({ type: "adapter-open", scope, nsp, uid });
  open(asker, "asker", "/");
  open(asker, "asker's chat", "/chat");
  open(both, "both", "/");
  open(both, "both's chat", "/chat");
  open(chatOnly, "chat", "/chat");
  open(otherScope, "other", "/", 1);
  const ask = async (seq: number, nsp: string, asks?: typeof session.rooms) => {
    asker.say({ type: "publish", scope: 0, nsp, asks, seq, payload: Buffer.from(`${seq}`) });
    await turn();
    const [asked] = asker.told("asked").filter((each) => each.seq === seq);
    const heard = [both, chatOnly, otherScope].map(
      (worker) => worker.told("publish").filter(({ payload }) => payload.toString() === `${seq}`).length,
    );
    return [asked?.uids, heard];
  };
  expect(await ask(1, "/")).toEqual([["both"], [1, 0, 0]]);
  expect(await ask(2, "/chat")).toEqual([
    ["both's chat", "chat"],
    [1, 1, 0],
  ]);
  expect(await ask(3, "/nothing")).toEqual([[], [0, 0, 0]]);
  expect(await ask(4, "/chat", [])).toEqual([[], [0, 0, 0]]);
  chatOnly.say({
    type: "interest",
    scope: 0,
    nsp: "/chat",
    joined: [EVERYBODY, session.rooms[0]!],
    left: [],
  });
  expect(await ask(5, "/chat", [])).toEqual([["chat"], [0, 1, 0]]);
  expect(await ask(6, "/chat", session.rooms)).toEqual([["chat"], [0, 1, 0]]);
  expect(await ask(7, "/", session.rooms)).toEqual([[], [0, 0, 0]]);
  app.close();
});

test("what an adapter has answered is relayed before others hear that it was closed", async () => {
  const { app } = fakeApp();
  const [asker, closing] = [new FakeWorker(app), new FakeWorker(app)];
  asker.say({ type: "adapter-open", scope: 0, nsp: "/", uid: "asker" });
  closing.say({ type: "adapter-open", scope: 0, nsp: "/", uid: "closing" });
  await turn();
  asker.heard.length = 0;
  closing.say({ type: "respond", uid: "asker", payload: Buffer.from("answer") });
  closing.say({ type: "adapter-close", uid: "closing" });
  closing.say({ type: "scope-close", scope: 0 });
  await turn();
  expect(asker.heard).toMatchObject([
    { type: "respond" },
    { type: "adapters", changes: [{ uid: "asker", came: [], went: ["closing"] }] },
  ]);
  app.close();
});

test("workers that have different numbers of servers at a path for ten seconds are one line in the log", () => {
  vi.useFakeTimers();
  const { app, lines } = fakeApp();
  const [one, two] = [new FakeWorker(app), new FakeWorker(app)];
  one.say({ type: "scope-open", scope: 1, path: "/socket.io" });
  vi.advanceTimersByTime(9000);
  expect(lines).toEqual([]);
  vi.advanceTimersByTime(1000);
  expect(lines).toEqual([expect.stringContaining("[STICKY_SCOPES]")]);
  expect(lines[0]).toContain('at the path "/socket.io" some workers have 1 Socket.IO servers, others 2');
  // Once, whatever follows.
  two.say({ type: "scope-open", scope: 1, path: "/socket.io" });
  one.say({ type: "scope-open", scope: 2, path: "/socket.io" });
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(1);
  app.close();
});

test("a server whose address shows that it is of another scope is that from then on, with its adapters", async () => {
  const { app } = fakeApp();
  const [one, other] = [new FakeWorker(app), new FakeWorker(app)];
  one.say({ type: "scope-address", scope: 0, address: "port 3000" });
  one.say({ type: "scope-open", scope: 1, path: "/socket.io", address: "port 3001" });
  other.say({ type: "scope-open", scope: 1, path: "/socket.io" });
  for (const scope of [0, 1]) {
    one.say({ type: "adapter-open", scope, nsp: "/", uid: `one ${scope}` });
    other.say({ type: "adapter-open", scope, nsp: "/", uid: `other ${scope}` });
  }
  await turn();
  other.heard.length = 0;
  other.say({ type: "scope-address", scope: 0, address: "port 3001" });
  await turn();
  const [ofFirst, ofSecond] = [0, 1].map(
    (number) => one.told("scope").find(({ scope }) => scope === number)!.global,
  );
  expect(other.told("scope")).toEqual([
    { type: "scope", scope: 0, global: ofSecond },
    { type: "scope", scope: 1, global: ofFirst },
  ]);
  expect(other.told("adapters")).toMatchObject([
    {
      changes: [
        { uid: "other 0", came: ["one 1"], went: ["one 0"] },
        { uid: "other 1", came: ["one 0"], went: ["one 1"] },
      ],
    },
  ]);
  other.say({ type: "interest", scope: 0, nsp: "/", joined: [EVERYBODY], left: [] });
  for (const scope of [0, 1]) {
    const target = { nsp: "/", rooms: [], except: [] };
    one.say({ type: "cast", scope, volatile: false, target, payload: Buffer.from(`${scope}`) });
  }
  await turn();
  expect(other.told("cast").map(({ scope, payload }) => [scope, payload.toString()])).toEqual([
    [ofSecond, "1"],
  ]);
  app.close();
});
