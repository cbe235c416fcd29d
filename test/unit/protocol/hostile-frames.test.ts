import { anything, assert, constantFrom, dictionary, jsonValue, oneof, property, record } from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeFrame } from "../../../src/protocol/codec";
import type { Message } from "../../../src/protocol/messages";
import { EVERYBODY } from "../../../src/protocol/room-key";
import { FakeWorker, fakeApp } from "../../helpers/fake-worker";

let app: ReturnType<typeof fakeApp>["app"];
let lines: string[];
let hostile: FakeWorker;
let other: FakeWorker;

beforeEach(() => {
  ({ app, lines } = fakeApp());
  hostile = new FakeWorker(app);
  other = new FakeWorker(app);
});
afterEach(() => app.close());

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** What is broadcast by one worker reaches the other. */
async function relays(from: FakeWorker, to: FakeWorker): Promise<void> {
  const target = { nsp: "/", rooms: [], except: [] };
  to.say({ type: "interest", scope: 0, nsp: "/", joined: [EVERYBODY], left: [] });
  from.say({ type: "cast", scope: 0, volatile: false, target, payload: Buffer.from("hi") });
  await turn();
  expect(to.told("cast").map(({ payload }) => payload.toString())).toContain("hi");
}

/** A frame of JSON as the kind of frame (`kinds` of the codec) that carries it behind a length. */
function frameOf(kind: number, skip: number, json: string, payload = "x"): Buffer {
  const frame = Buffer.alloc(5 + skip + 4 + json.length + payload.length);
  frame.writeUInt32LE(frame.length - 4, 0);
  frame[4] = kind;
  frame.writeUInt32LE(json.length, 5 + skip);
  frame.write(json + payload, 5 + skip + 4);
  return frame;
}

const session = { scope: 0, nsp: "/", sid: "s" };
/** A packet of one of the worker's servers, for all clients. */
const castOf = (scope: number) =>
  encodeFrame({
    ...{ type: "cast", scope, volatile: false, target: { nsp: "/", rooms: [], except: [] } },
    payload: Buffer.from("x"),
  });
const misshapen: Record<string, unknown>[] = [
  { type: "interest" },
  { type: "interest", scope: 0, nsp: "/", joined: ["sa", 1], left: [] },
  { type: "interest", scope: 0, nsp: "/", joined: "sa", left: [] },
  { type: "interest", nsp: "/", joined: [], left: [] },
  { type: "interest", scope: 1, nsp: "/", joined: [], left: [] },
  { type: "interest", scope: "0", nsp: "/", joined: [], left: [] },
  { type: "scope-open", scope: 0, path: "/again" },
  { type: "scope-open", scope: 7, path: "/later" },
  { type: "scope-open", scope: 1, path: 1 },
  { type: "scope-address", scope: 0, address: 1 },
  { type: "scope-close", scope: -1 },
  { type: "settled", scope: 0, nsp: "/", rooms: { 0: "sa" } },
  { type: "hello" },
  { type: "serve", main: true },
  { type: "serve", server: -1, main: true },
  { type: "serve", server: 1e9, main: true },
  { type: "serve", server: 0, main: true, wants: 80 },
  { type: "serve", server: 0, main: true, wants: { port: "80" } },
  { type: "serve", server: 0, main: "yes" },
  { type: "attached", server: 0, main: true },
  { type: "attached", server: "0", path: "/", main: true },
  { type: "unserve" },
  { type: "claim", seq: 1 },
  { type: "unclaim", id: ["a"] },
  { type: "whose", seq: "1", id: "a" },
  { type: "adapter-open" },
  { type: "adapter-open", scope: 0, nsp: "/", uid: "u", recoverableMs: "long" },
  { type: "adapter-open", scope: 3, nsp: "/", uid: "u" },
  { at: 0, type: "session-open", ...session, pid: "p", data: "" },
  { at: 0, type: "session-open", ...session, rooms: [], data: "" },
  { at: 0, type: "session-rooms", ...session, joined: ["sa"] },
  { at: 0, type: "session-data", ...session },
  { at: 0, type: "session-lost", scope: 0, nsp: "/", data: "" },
  { at: 0, type: "session-over", scope: 0, nsp: "/", sid: null },
  { at: 0, type: "restore", scope: 0, seq: 1, nsp: "/" },
  { type: "move" },
  { type: "move", session: { sid: "s" } },
  { type: "adopted", ok: true },
  { type: "welcome", version: 1, seat: 0, epoch: "" },
  { type: "asked", seq: 1, uids: [] },
  { type: "__proto__" },
  { type: "constructor" },
];

test.each(misshapen)("a worker that says $type with wrong contents is replaced (%o)", async (message) => {
  hostile.say(message as Message);
  expect(hostile.killed).toBe(true);
  expect(lines.filter((line) => line.includes("STICKY_LINK_FRAME"))).toHaveLength(1);
  expect(lines.join("\n")).not.toContain("internal error");
  expect(other.killed).toBe(false);
  // Nothing more is heard of it, neither now nor later.
  hostile.say({ type: "claim", seq: 1, id: "mine" });
  expect(app.ownerOf("mine")).toBeUndefined();
  await relays(new FakeWorker(app), other);
});

describe("a worker is replaced that sends", () => {
  const json = (value: unknown) => JSON.stringify(value);
  test.each([
    ["a cast without rooms", frameOf(5, 21, json({ nsp: "/" }))],
    ["a cast to rooms that are not text", frameOf(5, 21, json({ nsp: "/", rooms: [{}], except: [] }))],
    ["a publish whose joins have no rooms", frameOf(1, 4, json({ nsp: "/", joins: {} }))],
    ["a publish of no namespace", frameOf(1, 4, json({ seq: 1 }))],
    ["a publish that asks rooms which are not text", frameOf(1, 4, json({ nsp: "/", asks: [1] }))],
    ["a cast of a scope that it does not have", castOf(1)],
    ["a restored session without packets", frameOf(6, 0, json({ type: "restored" }))],
    ["a restored session", encodeFrame({ type: "restored", seq: 1, missed: [] })],
    ["half a cast", frameOf(5, 21, json({ nsp: "/" })).subarray(0, 12)],
  ])("%s", (_, frame) => {
    hostile.sayBytes(frame);
    expect(hostile.killed).toBe(true);
    expect(lines.join("\n")).toContain("STICKY_LINK_FRAME");
    expect(lines.join("\n")).not.toContain("internal error");
  });

  test("a cast whose time is no number", () => {
    const target = { nsp: "/", rooms: [], except: [] };
    const payload = Buffer.from("x");
    hostile.say({ type: "cast", scope: 0, volatile: false, time: Number.NaN, target, payload });
    expect(hostile.killed).toBe(true);
  });
});

test("a worker that greets twice is heard once", async () => {
  hostile.say({ type: "hello", version: 1 });
  expect(hostile.told("welcome")).toHaveLength(1);
  await relays(hostile, other);
  expect(other.told("cast")).toHaveLength(1);
});

test("sessions that are opened again, under one old and one new id, do not pile up", async () => {
  const open = (sid: string, pid: string) =>
    hostile.say({ at: 0, scope: 0, type: "session-open", nsp: "/", sid, pid, rooms: [], data: "" });
  for (let i = 0; i < 100; i++) open("same", `p${i}`);
  for (let i = 0; i < 100; i++) open(`s${i}`, "same");
  await turn();
  expect(app.recovery.sessions).toBe(2);
  other.say({ at: 0, scope: 0, type: "restore", seq: 1, nsp: "/", pid: "p0", offset: "" });
  await turn();
  expect(other.told("restored")).toMatchObject([{ reason: "unknown" }]);
});

test("whatever JSON a worker sends, the primary has no fault and the others go on", async () => {
  const types = constantFrom(...new Set(misshapen.map(({ type }) => type as string)), "drained", "closing");
  const names = constantFrom(
    "scope",
    "nsp",
    "sid",
    "pid",
    "rooms",
    "joined",
    "left",
    "data",
    "seq",
    "id",
    "uid",
    "session",
  );
  const fields = dictionary(
    names,
    oneof(jsonValue(), constantFrom<unknown>("/", "a", 1, [], ["sa"], session)),
  );
  const messages = oneof(
    record({ type: types, fields }).map(({ fields, type }) => ({ ...fields, type })),
    jsonValue(),
    anything(),
  );
  assert(
    property(messages, (message) => {
      const body = JSON.stringify(message) ?? "";
      const frame = Buffer.alloc(5 + Buffer.byteLength(body));
      frame.writeUInt32LE(frame.length - 4);
      frame.write(body, 5);
      const worker = new FakeWorker(app);
      worker.sayBytes(frame);
      worker.handle.left();
    }),
    { numRuns: 3000 },
  );
  expect(lines.join("\n")).not.toContain("internal error");
  expect(app.workers.size).toBe(2);
  await relays(hostile, other);
});

test("a worker that opens more and more scopes is replaced", () => {
  for (let scope = 1; scope < 1000; scope++) hostile.say({ type: "scope-open", scope, path: "/" });
  expect(hostile.killed).toBe(false);
  hostile.say({ type: "scope-open", scope: 1000, path: "/" });
  expect(hostile.killed).toBe(true);
  expect(lines.join("\n")).toContain("more than 1000 open scopes");
});

test("what was said of a scope before it was closed is done, what is said later is not heard", async () => {
  const target = { nsp: "/", rooms: [], except: [] };
  const cast = (text: string) =>
    hostile.say({ type: "cast", scope: 0, volatile: false, target, payload: Buffer.from(text) });
  other.say({ type: "interest", scope: 0, nsp: "/", joined: [EVERYBODY], left: [] });
  cast("before");
  hostile.say({ type: "scope-close", scope: 0 });
  cast("after");
  await turn();
  expect(hostile.killed).toBe(false);
  expect(other.told("cast").map(({ payload }) => payload.toString())).toEqual(["before"]);
});

test("nobody takes the name of another worker's adapter", async () => {
  const third = new FakeWorker(app);
  other.say({ type: "adapter-open", scope: 0, nsp: "/", uid: "name" });
  hostile.say({ type: "adapter-open", scope: 0, nsp: "/", uid: "name" });
  hostile.say({ type: "adapter-close", uid: "name" });
  third.say({ type: "respond", uid: "name", payload: Buffer.from("answer") });
  await turn();
  expect(other.told("respond")).toHaveLength(1);
  expect(hostile.told("respond")).toHaveLength(0);
});
