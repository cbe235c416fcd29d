// SPDX-License-Identifier: MIT
import { FrameError } from "./codec";

/**
 * A Socket.IO packet as the app's encoder makes it. Socket.IO's own encoder makes a text, followed by one part for each
 * binary attachment; a custom parser may make any parts.
 */
export type EncodedPacket = (string | Uint8Array)[];

const PART_HEADER = 5;

/** The payload of a cast: for each part `u8 binary? | u32 length | bytes`. */
export function packParts(parts: EncodedPacket): Buffer {
  const lengths = parts.map((part) => (typeof part === "string" ? Buffer.byteLength(part) : part.length));
  const packed = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + PART_HEADER + length, 0));
  let offset = 0;
  for (const [i, part] of parts.entries()) {
    packed[offset] = typeof part === "string" ? 0 : 1;
    packed.writeUInt32LE(lengths[i]!, offset + 1);
    offset += PART_HEADER;
    if (typeof part === "string") packed.write(part, offset);
    else packed.set(part, offset);
    offset += lengths[i]!;
  }
  return packed;
}

/** Throws {@link FrameError} if the payload is not one that {@link packParts} makes. */
export function unpackParts(payload: Uint8Array): EncodedPacket {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  const parts: EncodedPacket = [];
  for (let offset = 0; offset < bytes.length; ) {
    if (bytes.length < offset + PART_HEADER) throw new FrameError("short packet");
    const start = offset + PART_HEADER;
    const end = start + bytes.readUInt32LE(offset + 1);
    if (bytes.length < end) throw new FrameError("short packet");
    // Attachments are copied. A slow client may keep one waiting for long, and a mere view of it would keep the whole
    // chunk in memory in which it came.
    parts.push(
      bytes[offset] === 0 ? bytes.toString("utf8", start, end) : Buffer.from(bytes.subarray(start, end)),
    );
    offset = end;
  }
  return parts;
}
