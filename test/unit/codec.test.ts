import {
  type Arbitrary,
  array,
  assert,
  constant,
  integer,
  jsonValue,
  nat,
  oneof,
  property,
  record,
  string,
  uint8Array,
} from "fast-check";
import { expect, test } from "vitest";
import { decodeFrame, encodeFrame, FrameError, FrameReader, MAX_FRAME_BYTES } from "../../src/protocol/codec";
import type { Message } from "../../src/protocol/messages";

const payload = uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const u32 = nat(0xffff_ffff);
const messages: Arbitrary<Message> = oneof(
  record({ type: constant("publish" as const), payload }),
  record({ type: constant("respond" as const), uid: string({ maxLength: 60 }), payload }),
  record({ type: constant("accepted" as const), seq: u32 }),
  record({ type: constant("load" as const), sessions: u32, connections: u32, forwarded: u32 }),
  record({ type: constant("claim" as const), seq: u32, id: string({ unit: "binary" }) }),
  record({ type: constant("gone" as const), uids: array(string()) }),
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
  const [message] = read(encodeFrame({ type: "publish", payload }), [1000]);
  expect(payload.equals((message as typeof message & { type: "publish" }).payload)).toBe(true);
});

test("any garbage is more to come, a frame or a FrameError, never another exception", () => {
  const garbage = oneof(
    uint8Array({ maxLength: 100 }),
    jsonValue().map((value) => {
      const frame = encodeFrame({ type: "drain", moves: true, ackTimeoutMs: 5000 });
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
