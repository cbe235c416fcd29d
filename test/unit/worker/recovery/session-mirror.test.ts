import { expect, onTestFinished, test } from "vitest";
import type { ToPrimary } from "../../../../src/protocol/messages";
import { keyOfRoom } from "../../../../src/protocol/room-key";
import type { WorkerScope } from "../../../../src/worker/link/scopes";
import { SessionMirror } from "../../../../src/worker/recovery/session-mirror";
import type { Nsp } from "../../../../src/worker/socket-io/objects";
import { clock } from "../../../helpers/clock";

/** A mirror of a namespace with one socket, and what it tells. */
function start() {
  const told: ToPrimary[] = [];
  const send = (message: ToPrimary) => told.push(message);
  const scope = { clock, send, sendNow: send } as unknown as WorkerScope;
  const sockets = new Map([["sid", { pid: "pid", data: {} }]]);
  const mirror = new SessionMirror({ name: "/", sockets } as unknown as Nsp, scope, () => {});
  onTestFinished(() => mirror.close());
  return { mirror, told };
}

const ROOMS = Array.from({ length: 100_000 }, (_, i) => `room ${i}`);

test("of a restored session what a middleware has changed is told, in no time for any number of rooms", () => {
  const { mirror, told } = start();
  const restored = { data: "data", rooms: new Set([...ROOMS, "left"].map((room) => keyOfRoom(room)!)) };
  const before = performance.now();
  expect(mirror.open("sid", [...ROOMS, "joined"], restored)).toBe(true);
  expect(performance.now() - before).toBeLessThan(1500);
  expect(told).toMatchObject([{ type: "session-rooms", sid: "sid", joined: ["sjoined"], left: ["sleft"] }]);
});
