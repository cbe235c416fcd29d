import { expect, test } from "vitest";
import { EVERYBODY, keyOfRoom } from "../../../../src/protocol/room-key";
import { FakeWorker, fakeApp } from "../../../helpers/fake-worker";

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
