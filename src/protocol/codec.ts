// SPDX-License-Identifier: MIT
import type { Message } from "./messages";

/**
 * A frame is `u32 length | u8 kind | body`, little-endian; `length` counts what follows it. What travels often is
 * binary; the rest is JSON. Relayed kinds look the same in both directions, so that the primary can pass them on as
 * the bytes they came in.
 */
const KIND = { json: 0, publish: 1, respond: 2, accepted: 3, load: 4 } as const;
const HEADER = 5;

/** Larger frames are refused: nobody means to send them, and they would have to be kept whole in memory. */
export const MAX_FRAME_BYTES = 512 * 1024 * 1024;

/** The bytes on the link do not form a frame. */
export class FrameError extends Error {}

/** One frame as it came: its message and the very bytes, for passing it on. */
export interface Frame {
  message: Message;
  bytes: Buffer;
}

function allocate(kind: number, bodyLength: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER + bodyLength);
  frame.writeUInt32LE(1 + bodyLength, 0);
  frame[4] = kind;
  return frame;
}

export function encodeFrame(message: Message): Buffer {
  switch (message.type) {
    case "publish": {
      const frame = allocate(KIND.publish, message.payload.length);
      frame.set(message.payload, HEADER);
      return frame;
    }
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
    case "load": {
      const frame = allocate(KIND.load, 12);
      frame.writeUInt32LE(message.sessions, HEADER);
      frame.writeUInt32LE(message.connections, HEADER + 4);
      frame.writeUInt32LE(message.forwarded, HEADER + 8);
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

/** Decodes one whole frame. Throws {@link FrameError}. */
export function decodeFrame(bytes: Buffer): Message {
  const body = bytes.subarray(HEADER);
  switch (bytes[4]) {
    case KIND.publish:
      return { type: "publish", payload: body };
    case KIND.respond: {
      const end = 1 + (body[0] ?? 0);
      if (body.length < end) throw new FrameError("short response");
      return { type: "respond", uid: body.toString("utf8", 1, end), payload: body.subarray(end) };
    }
    case KIND.accepted:
      if (body.length !== 4) throw new FrameError("accepted has a wrong length");
      return { type: "accepted", seq: body.readUInt32LE(0) };
    case KIND.load:
      if (body.length !== 12) throw new FrameError("load has a wrong length");
      return {
        type: "load",
        sessions: body.readUInt32LE(0),
        connections: body.readUInt32LE(4),
        forwarded: body.readUInt32LE(8),
      };
    case KIND.json:
      return parseJson(body.toString());
    default:
      throw new FrameError(`unknown kind ${bytes[4]}`);
  }
}

function parseJson(text: string): Message {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw new FrameError("invalid JSON");
  }
  if (typeof message !== "object" || message === null || typeof (message as Message).type !== "string") {
    throw new FrameError("not a message");
  }
  return message as Message;
}

/** Cuts a byte stream into frames, whatever the chunking. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private buffered = 0;
  /** Bytes needed before the next frame can be cut; avoids joining chunks over and over for a large frame. */
  private needed = HEADER;

  /** Takes the next chunk and returns the frames that are complete by now. Throws {@link FrameError}. */
  push(chunk: Buffer): Frame[] {
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    if (this.buffered < this.needed) return [];
    const bytes = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks, this.buffered);
    const frames: Frame[] = [];
    let offset = 0;
    this.needed = HEADER;
    while (bytes.length - offset >= HEADER) {
      const length = bytes.readUInt32LE(offset);
      if (length < 1 || length > MAX_FRAME_BYTES) throw new FrameError(`frame of ${length} bytes`);
      const end = offset + 4 + length;
      if (end > bytes.length) {
        this.needed = end - offset;
        break;
      }
      const frame = bytes.subarray(offset, end);
      frames.push({ message: decodeFrame(frame), bytes: frame });
      offset = end;
    }
    this.chunks = offset < bytes.length ? [bytes.subarray(offset)] : [];
    this.buffered = bytes.length - offset;
    return frames;
  }
}
