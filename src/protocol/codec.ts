// SPDX-License-Identifier: MIT
import type { Cast, CastTarget, Message, Publish, Restored } from "./messages";

/**
 * A frame is `u32 length | u8 kind | body`, little-endian; `length` counts the bytes that follow it. The body of a
 * message that travels often is binary, that of any other is JSON. The kinds that the primary relays look the same in
 * both directions, so that it can pass a frame on as the bytes in which it came.
 */
const KIND = {
  json: 0,
  publish: 1,
  respond: 2,
  accepted: 3,
  load: 4,
  cast: 5,
  restored: 6,
  kept: 7,
} as const;
/** Bytes of a frame before its body. */
export const HEADER = 5;
const EMPTY = Buffer.alloc(0);

/** Thrown where the bytes on the link are not a frame, or not a message that the other side may send. */
export class FrameError extends Error {}

function allocate(kind: number, bodyLength: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER + bodyLength);
  frame.writeUInt32LE(1 + bodyLength, 0);
  frame[4] = kind;
  return frame;
}

export function encodeFrame(message: Message): Buffer {
  switch (message.type) {
    case "cast":
      return encodeCast(message);
    case "restored":
      return encodeRestored(message);
    case "publish":
      return encodePublish(message);
    case "respond": {
      const uidLength = Buffer.byteLength(message.uid);
      const frame = allocate(KIND.respond, 1 + uidLength + message.payload.length);
      frame[HEADER] = uidLength;
      frame.write(message.uid, HEADER + 1);
      frame.set(message.payload, HEADER + 1 + uidLength);
      return frame;
    }
    case "accepted": {
      const frame = allocate(KIND.accepted, 4);
      frame.writeUInt32LE(message.seq, HEADER);
      return frame;
    }
    case "kept": {
      const frame = allocate(KIND.kept, 8);
      frame.writeDoubleLE(message.order, HEADER);
      return frame;
    }
    case "load": {
      const frame = allocate(KIND.load, 16);
      frame.writeUInt32LE(message.sessions, HEADER);
      frame.writeUInt32LE(message.connections, HEADER + 4);
      frame.writeUInt32LE(message.forwarded, HEADER + 8);
      frame.writeUInt32LE(message.closed, HEADER + 12);
      return frame;
    }
    default: {
      const body = JSON.stringify(message);
      const frame = allocate(KIND.json, Buffer.byteLength(body));
      frame.write(body, HEADER);
      return frame;
    }
  }
}

/** Decodes one whole frame, its header included. Throws {@link FrameError}. */
export function decodeFrame(bytes: Buffer): Message {
  if (bytes[4] === KIND.cast) return decodeCast(bytes);
  const body = bytes.subarray(HEADER);
  switch (bytes[4]) {
    case KIND.restored:
      return decodeRestored(body);
    case KIND.publish:
      return decodePublish(body);
    case KIND.respond: {
      const end = 1 + (body[0] ?? 0);
      if (body.length < end) throw new FrameError("short response");
      return { type: "respond", uid: body.toString("utf8", 1, end), payload: body.subarray(end) };
    }
    case KIND.accepted:
      if (body.length !== 4) throw new FrameError("accepted has a wrong length");
      return { type: "accepted", seq: body.readUInt32LE(0) };
    case KIND.kept:
      if (body.length !== 8) throw new FrameError("kept has a wrong length");
      return { type: "kept", order: body.readDoubleLE(0) };
    case KIND.load:
      if (body.length !== 16) throw new FrameError("load has a wrong length");
      return {
        type: "load",
        sessions: body.readUInt32LE(0),
        connections: body.readUInt32LE(4),
        forwarded: body.readUInt32LE(8),
        closed: body.readUInt32LE(12),
      };
    case KIND.json:
      return parseJson(body, "type") as unknown as Message;
    default:
      throw new FrameError(`unknown kind ${bytes[4]}`);
  }
}

/**
 * The body of a cast or a publish begins with `u32 scope`. A worker writes its own number of its Socket.IO
 * server there; the primary replaces it with the number that the scope has for all workers, and passes on the
 * frame otherwise unchanged.
 */
const SCOPE = 4;

export function stampScope(frame: Buffer, scope: number): void {
  frame.writeUInt32LE(scope, HEADER);
}

/** A publish is `u32 scope | u32 length | route as JSON | payload`. */
function encodePublish({ type: _, scope, payload, ...route }: Publish): Buffer {
  const header = Buffer.from(JSON.stringify(route));
  const frame = allocate(KIND.publish, SCOPE + 4 + header.length + payload.length);
  frame.writeUInt32LE(scope, HEADER);
  frame.writeUInt32LE(header.length, HEADER + SCOPE);
  frame.set(header, HEADER + SCOPE + 4);
  frame.set(payload, HEADER + SCOPE + 4 + header.length);
  return frame;
}

function decodePublish(body: Buffer): Publish {
  const [header, payload] = split(body, SCOPE);
  const { nsp, joins, asks, seq } = parseJson(header, "nsp") as unknown as Publish;
  return { type: "publish", scope: body.readUInt32LE(0), nsp, joins, asks, seq, payload };
}

/**
 * A cast is `u32 scope | u8 flags | f64 order | f64 time | u32 length | target as JSON | payload`. If its target is all
 * clients of the namespace "/", the JSON is left out. The primary writes the order into the frame ({@link stampCast}),
 * as it does with the scope.
 */
const VOLATILE = 1;
const COMPRESS = 2;
const NO_COMPRESS = 4;
const KEPT = 8;
const FLAGS = HEADER + SCOPE;
const ORDER = FLAGS + 1;
const TIME = ORDER + 8;
const TARGET_LENGTH = TIME + 8;
const TARGET = TARGET_LENGTH + 4;
const ALL: CastTarget = { nsp: "/", rooms: [], except: [] };

function encodeCast({ scope, volatile, compress, order, time, target, payload }: Cast): Buffer {
  const all = target.nsp === "/" && target.rooms.length === 0 && target.except.length === 0;
  const header = all ? EMPTY : Buffer.from(JSON.stringify(target));
  const frame = allocate(KIND.cast, TARGET - HEADER + header.length + payload.length);
  const compression = compress === undefined ? 0 : compress ? COMPRESS : NO_COMPRESS;
  frame.writeUInt32LE(scope, HEADER);
  frame[FLAGS] = (volatile ? VOLATILE : 0) | (time === undefined ? 0 : KEPT) | compression;
  frame.writeDoubleLE(order ?? 0, ORDER);
  frame.writeDoubleLE(time ?? 0, TIME);
  frame.writeUInt32LE(header.length, TARGET_LENGTH);
  frame.set(header, TARGET);
  frame.set(payload, TARGET + header.length);
  return frame;
}

/** Writes the order into the frame of a cast that is kept. */
export function stampCast(frame: Buffer, order: number): void {
  frame.writeDoubleLE(order, ORDER);
}

/**
 * Takes the whole frame, where the other decoders take its body: casts are so frequent that one slice less for each of
 * them counts (benchmark row `relay`).
 */
function decodeCast(frame: Buffer): Cast {
  if (frame.length < TARGET) throw new FrameError("short cast");
  const end = TARGET + frame.readUInt32LE(TARGET_LENGTH);
  if (frame.length < end) throw new FrameError("short cast");
  const scope = frame.readUInt32LE(HEADER);
  const flags = frame[FLAGS]!;
  const volatile = (flags & VOLATILE) !== 0;
  const order = flags & KEPT ? frame.readDoubleLE(ORDER) : undefined;
  const time = flags & KEPT ? frame.readDoubleLE(TIME) : undefined;
  const target = end === TARGET ? ALL : parseTarget(frame, TARGET, end);
  const compress = flags & COMPRESS ? true : flags & NO_COMPRESS ? false : undefined;
  const payload = frame.subarray(end);
  return { type: "cast", scope, volatile, compress, order, time, target, payload };
}

let lastTarget: { json: Buffer; target: CastTarget } | undefined;

/**
 * Parses the target of a cast. Packets for the same clients often come in a row, so the last target is kept
 * and returned again if the JSON is the same, byte for byte: a third off what a packet costs the primary
 * (benchmark row `relay`).
 */
function parseTarget(frame: Buffer, start: number, end: number): CastTarget {
  if (lastTarget?.json.compare(frame, start, end) !== 0) {
    const json = Buffer.from(frame.subarray(start, end));
    lastTarget = { json, target: parseJson(json, "nsp") as unknown as CastTarget };
  }
  return lastTarget.target;
}

/**
 * A restored session is `u32 length | all but the payloads as JSON`, then for each missed packet
 * `u32 length | payload`.
 */
function encodeRestored({ missed, ...rest }: Restored): Buffer {
  const header = Buffer.from(JSON.stringify({ ...rest, orders: missed.map(({ order }) => order) }));
  const sizes = missed.reduce((sum, { payload }) => sum + 4 + payload.length, 0);
  const frame = allocate(KIND.restored, 4 + header.length + sizes);
  frame.writeUInt32LE(header.length, HEADER);
  frame.set(header, HEADER + 4);
  let at = HEADER + 4 + header.length;
  for (const { payload } of missed) {
    frame.writeUInt32LE(payload.length, at);
    frame.set(payload, at + 4);
    at += 4 + payload.length;
  }
  return frame;
}

function decodeRestored(body: Buffer): Restored {
  const [header, payloads] = split(body, 0);
  const { orders, ...rest } = parseJson(header, "type");
  if (!Array.isArray(orders)) throw new FrameError("a restored session without orders");
  const missed: Restored["missed"] = [];
  let left = payloads;
  for (const order of orders) {
    if (typeof order !== "number") throw new FrameError("an order that is no number");
    const [payload, next] = split(left, 0);
    missed.push({ order, payload });
    left = next;
  }
  return { ...rest, missed } as Restored;
}

/** Reads `u32 length` at `offset`; returns as many bytes as it says, and the rest. */
function split(body: Buffer, offset: number): [Buffer, Buffer] {
  const start = offset + 4;
  if (body.length < start) throw new FrameError("short frame");
  const end = start + body.readUInt32LE(offset);
  if (body.length < end) throw new FrameError("short frame");
  return [body.subarray(start, end), body.subarray(end)];
}

/** Parses an object that has the string property `mark`. */
function parseJson(json: Buffer, mark: string): Record<string, unknown> {
  let value: unknown;
  try {
    // This fails as well if the text is longer than a string can be.
    value = JSON.parse(json.toString());
  } catch {
    throw new FrameError("invalid JSON");
  }
  if (typeof value !== "object" || value === null || typeof (value as never)[mark] !== "string") {
    throw new FrameError("not a message");
  }
  return value as Record<string, unknown>;
}
