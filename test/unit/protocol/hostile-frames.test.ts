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
  to.say({ type: "interest", nsp: "/", joined: [EVERYBODY], left: [] });
  from.say({ type: "cast", volatile: false, target, payload: Buffer.from("hi") });
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

const session = { nsp: "/", sid: "s" };
const misshapen: Record<string, unknown>[] = [
  { type: "interest" },
  { type: "interest", nsp: "/", joined: ["sa", 1], left: [] },
  { type: "interest", nsp: "/", joined: "sa", left: [] },
  { type: "settled", nsp: "/", rooms: { 0: "sa" } },
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
  { type: "adapter-open", uid: "u", recoverableMs: "long" },
  { at: 0, type: "session-open", ...session, pid: "p", data: "" },
  { at: 0, type: "session-open", ...session, rooms: [], data: "" },
  { at: 0, type: "session-rooms", ...session, joined: ["sa"] },
  { at: 0, type: "session-data", ...session },
  { at: 0, type: "session-lost", nsp: "/", data: "" },
  { at: 0, type: "session-over", sid: null },
  { at: 0, type: "restore", seq: 1, nsp: "/" },
  { type: "move" },
  { type: "move", session: { sid: "s" } },
  { type: "adopted", ok: true },
  { type: "welcome", version: 1, seat: 0, epoch: "" },
  { type: "gone", uids: [] },
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
    ["a cast without rooms", frameOf(5, 17, json({ nsp: "/" }))],
    ["a cast to rooms that are not text", frameOf(5, 17, json({ nsp: "/", rooms: [{}], except: [] }))],
    ["a publish whose joins have no rooms", frameOf(1, 0, json({ nsp: "/" }))],
    ["a publish that asks nobody", frameOf(1, 0, json({ nsp: "/", request: "r" }))],
    ["a restored session without packets", frameOf(6, 0, json({ type: "restored" }))],
    ["a restored session", encodeFrame({ type: "restored", seq: 1, missed: [] })],
    ["half a cast", frameOf(5, 17, json({ nsp: "/" })).subarray(0, 12)],
  ])("%s", (_, frame) => {
    hostile.sayBytes(frame);
    expect(hostile.killed).toBe(true);
    expect(lines.join("\n")).toContain("STICKY_LINK_FRAME");
    expect(lines.join("\n")).not.toContain("internal error");
  });

  test("a cast whose time is no number", () => {
    const target = { nsp: "/", rooms: [], except: [] };
    const payload = Buffer.from("x");
    hostile.say({ type: "cast", volatile: false, time: Number.NaN, target, payload });
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
    hostile.say({ at: 0, type: "session-open", nsp: "/", sid, pid, rooms: [], data: "" });
  for (let i = 0; i < 100; i++) open("same", `p${i}`);
  for (let i = 0; i < 100; i++) open(`s${i}`, "same");
  await turn();
  expect(app.recovery.sessions).toBe(2);
  other.say({ at: 0, type: "restore", seq: 1, nsp: "/", pid: "p0", offset: "" });
  await turn();
  expect(other.told("restored")).toMatchObject([{ reason: "unknown" }]);
});

test("whatever JSON a worker sends, the primary has no fault and the others go on", async () => {
  const types = constantFrom(...new Set(misshapen.map(({ type }) => type as string)), "drained", "closing");
  const names = constantFrom(
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
