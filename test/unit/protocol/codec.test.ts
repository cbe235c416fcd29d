import { constants } from "node:buffer";
import {
  type Arbitrary,
  array,
  assert,
  boolean,
  constant,
  constantFrom,
  dictionary,
  integer,
  jsonValue,
  nat,
  oneof,
  option,
  property,
  record,
  string,
  tuple,
  uint8Array,
} from "fast-check";
import { expect, test } from "vitest";
import { decodeFrame, encodeFrame, FrameError, stampCast, stampScope } from "../../../src/protocol/codec";
import { FrameReader, MAX_FRAME_BYTES } from "../../../src/protocol/frame-reader";
import type { Message } from "../../../src/protocol/messages";
import { keyOfRoom, type RoomKey } from "../../../src/protocol/room-key";
import { fromWorker } from "../../../src/protocol/shapes";

const payload = uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const u32 = nat(0xffff_ffff);
const text = string({ unit: "binary", maxLength: 20 });
const rooms: Arbitrary<RoomKey[]> = array(
  text.map((room) => keyOfRoom(room)!),
  { maxLength: 4 },
);
const optional = <T>(value: Arbitrary<T>) => option(value, { nil: undefined });
const casts = record({
  type: constant("cast" as const),
  scope: u32,
  volatile: boolean(),
  kept: optional(record({ order: nat(), time: nat() })),
  compress: optional(boolean()),
  target: record({ nsp: oneof(constant("/"), text), rooms, except: rooms }),
  payload,
}).map(({ kept, ...cast }) => ({ ...cast, order: kept?.order, time: kept?.time }));
const publishes = record({
  type: constant("publish" as const),
  ...{ scope: u32, nsp: text, joins: optional(rooms), asks: optional(rooms), seq: optional(nat()) },
  payload,
});
const missed = array(record({ order: nat(), payload }), { maxLength: 4 });
const session = record({ scope: u32, nsp: text, sid: text, pid: text, rooms, data: text });
const messages: Arbitrary<Message> = oneof(
  publishes,
  casts,
  record({ type: constant("restored" as const), seq: u32, session, missed }),
  record({ type: constant("restored" as const), seq: u32, reason: constant("expired" as const), missed }),
  record({ type: constant("respond" as const), uid: string({ maxLength: 60 }), payload }),
  record({ type: constant("accepted" as const), seq: u32 }),
  record({ type: constant("kept" as const), order: nat() }),
  record({ type: constant("load" as const), sessions: u32, connections: u32, forwarded: u32, closed: u32 }),
  record({ type: constant("claim" as const), seq: u32, id: string({ unit: "binary" }) }),
  record({ type: constant("asked" as const), seq: nat(), uids: array(string()) }),
);

/** What a reader makes of bytes that come in chunks of these sizes, in turn. */
function read(bytes: Buffer, sizes: number[]): Message[] {
  const reader = new FrameReader();
  const read: Message[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    for (const { message } of reader.push(bytes.subarray(at, at + size))) read.push(message);
    at += size;
  }
  return read;
}

test("any messages arrive whole and in order, whatever the chunking", () => {
  const sizes = array(integer({ min: 1, max: 500 }), { minLength: 1 });
  assert(
    property(array(messages), sizes, (sent, sizes) => {
      expect(read(Buffer.concat(sent.map(encodeFrame)), sizes)).toEqual(sent);
    }),
  );
});

test("a frame keeps the bytes it came in", () => {
  assert(
    property(messages, (message) => {
      const bytes = encodeFrame(message);
      const [frame] = new FrameReader().push(Buffer.concat([bytes, Buffer.from([1])]));
      expect(frame!.bytes).toEqual(bytes);
      expect(decodeFrame(frame!.bytes)).toEqual(message);
    }),
  );
});

test("a large frame in small chunks is read in linear time", () => {
  const payload = Buffer.alloc(20_000_000, 7);
  const [message] = read(encodeFrame({ type: "publish", scope: 1, nsp: "/", payload }), [1000]);
  expect(payload.equals((message as typeof message & { type: "publish" }).payload)).toBe(true);
});

test("the place of a cast is written into its frame, and nothing else of it changes", () => {
  assert(
    property(casts, nat(), (cast, order) => {
      const frame = encodeFrame({ ...cast, time: 1, order: undefined });
      stampCast(frame, order);
      expect(decodeFrame(frame)).toEqual({ ...cast, time: 1, order });
    }),
  );
});

test("the scope of a relayed frame is written into it, and nothing else of it changes", () => {
  assert(
    property(oneof(casts, publishes), u32, (message, scope) => {
      const frame = encodeFrame(message);
      stampScope(frame, scope);
      expect(decodeFrame(frame)).toEqual({ ...message, scope });
    }),
  );
});

test("any garbage is more to come, a frame or a FrameError, never another exception", () => {
  const u32le = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
  const frameOf = (kind: number, ...body: Uint8Array[]) => {
    const length = body.reduce((sum, part) => sum + part.length, 1);
    return Buffer.concat([u32le(length), Buffer.from([kind]), ...body]);
  };
  const names = ["type", "nsp", "rooms", "except", "orders", "session", "joined", "left", "sid", "pid"];
  const almost = oneof(
    jsonValue(),
    dictionary(constantFrom(...names), oneof(jsonValue(), constantFrom("session-open", "cast", "interest"))),
  ).map((value) => Buffer.from(JSON.stringify(value)));
  const garbage = oneof(
    uint8Array({ maxLength: 100 }),
    tuple(nat(7), uint8Array({ maxLength: 60 })).map(([kind, body]) => frameOf(kind, body)),
    tuple(almost, payload).map(([json, rest]) => frameOf(6, u32le(json.length), json, rest)),
    tuple(almost, payload).map(([json, rest]) => frameOf(1, u32le(1), u32le(json.length), json, rest)),
    tuple(uint8Array({ minLength: 21, maxLength: 21 }), almost, payload).map(([head, json, rest]) =>
      frameOf(5, head, u32le(json.length), json, rest),
    ),
    almost.map((json) => frameOf(0, json)),
    jsonValue().map((value) => {
      const frame = encodeFrame({ type: "drain", moves: true, ackTimeoutMs: 5000, withinMs: 30_000 });
      const body = Buffer.from(JSON.stringify(value));
      const head = Buffer.from(frame.subarray(0, 5));
      head.writeUInt32LE(body.length + 1);
      return Buffer.concat([head, body]);
    }),
  );
  assert(
    property(garbage, (bytes) => {
      for (const push of [
        () => new FrameReader().push(Buffer.from(bytes)),
        () => decodeFrame(Buffer.from(bytes)),
      ]) {
        try {
          push();
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test.each([0, MAX_FRAME_BYTES + 1])("a frame of %i bytes is refused before it is read", (length) => {
  const head = Buffer.alloc(5);
  head.writeUInt32LE(length);
  expect(() => new FrameReader().push(head)).toThrow(FrameError);
});

test.each([
  { type: "cast", scope: 0, volatile: false, target: { nsp: "/a" } },
  { type: "cast", scope: 0, volatile: false, target: { nsp: "/", rooms: [1], except: [] } },
  { type: "publish", scope: 0, nsp: "/", joins: {} },
  { type: "publish", scope: 0, nsp: "/", seq: "1" },
  { type: "publish", scope: 0 },
  { type: "scope-open", scope: -1, path: "/" },
  { type: "scope-open", scope: 0.5, path: "/" },
  { type: "scope-open", scope: 2 ** 32, path: "/" },
  { type: "scope-open", scope: 0, path: "x".repeat(1001) },
  { type: "scope-open", scope: 0, path: "/", address: 3000 },
  { type: "scope-address", scope: 0 },
  { type: "scope-close" },
  { type: "adapter-open", nsp: "/", uid: "u" },
  { type: "adapter-open", scope: 0, uid: "u" },
  { type: "session-open", scope: 0, nsp: "/", sid: "sid", pid: "pid", data: "" },
  { type: "session-rooms", scope: 0, nsp: "/", sid: "sid", joined: "room", left: [] },
  { type: "interest", scope: 0, nsp: "/" },
  { type: "interest", nsp: "/", joined: [], left: [] },
  { type: "restore", scope: 0, seq: 1, nsp: "/" },
  { type: "restored", seq: 1, session: {}, missed: [] },
  { type: "restored", seq: 1, missed: [{ payload: Buffer.from("x") }] },
])("a message that lacks what the primary relies on is refused: %j", (message) => {
  const frame = encodeFrame({ payload: Buffer.alloc(0), ...message } as never);
  expect(() => fromWorker(decodeFrame(frame))).toThrow(FrameError);
});

test("a text that is longer than a string can be is a FrameError", () => {
  const frame = Buffer.alloc(constants.MAX_STRING_LENGTH + 10, " ");
  frame[4] = 0;
  expect(() => decodeFrame(frame)).toThrow(FrameError);
}, 60_000); // half a gigabyte
