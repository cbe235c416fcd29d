// SPDX-License-Identifier: MIT
import { decodeFrame, FrameError, HEADER } from "./codec";
import type { Message } from "./messages";

/** Larger frames are refused by all: nobody means to send them, and they would have to be kept whole in memory. */
export const MAX_FRAME_BYTES = 512 * 1024 * 1024;

/** One frame as it came: its message and the very bytes, for passing it on. */
export interface Frame {
  message: Message;
  bytes: Buffer;
}

/**
 * Cuts a byte stream into frames, whatever the chunking. Only a frame that came in several chunks is copied; the others
 * are parts of their chunk.
 */
export class FrameReader {
  /** The beginning of a frame, or of its header. */
  private pieces: Buffer[] = [];
  private buffered = 0;
  /** How long the frame, or its header, is in all. */
  private needed = HEADER;

  constructor(private readonly maxBytes = MAX_FRAME_BYTES) {}

  /** Takes the next chunk and returns the frames that are complete by now. Throws {@link FrameError}. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let at = this.buffered > 0 ? this.complete(chunk, frames) : 0;
    while (chunk.length - at >= HEADER) {
      const end = at + this.lengthOf(chunk, at);
      if (end > chunk.length) {
        this.needed = end - at;
        break;
      }
      frames.push(frameOf(chunk.subarray(at, end)));
      at = end;
    }
    if (at < chunk.length) this.keep(chunk.subarray(at));
    return frames;
  }

  /** Completes the frame that has begun in earlier chunks. Returns where the next one begins, or the chunk's end. */
  private complete(chunk: Buffer, frames: Frame[]): number {
    let at = 0;
    while (at < chunk.length) {
      const end = at + this.needed - this.buffered;
      this.keep(chunk.subarray(at, end));
      if (end > chunk.length) return chunk.length;
      at = end;
      const whole = Buffer.concat(this.pieces, this.buffered);
      const length = this.lengthOf(whole, 0);
      if (length === whole.length) {
        this.reset();
        frames.push(frameOf(whole));
        break;
      }
      this.pieces = [whole];
      this.needed = length;
    }
    return at;
  }

  /** How long the frame is that begins here. */
  private lengthOf(bytes: Buffer, at: number): number {
    const length = 4 + bytes.readUInt32LE(at);
    if (length < HEADER || length > this.maxBytes) throw new FrameError(`frame of ${length} bytes`);
    return length;
  }

  private keep(piece: Buffer): void {
    this.pieces.push(piece);
    this.buffered += piece.length;
  }

  private reset(): void {
    this.pieces = [];
    this.buffered = 0;
    this.needed = HEADER;
  }
}

function frameOf(bytes: Buffer): Frame {
  return { message: decodeFrame(bytes), bytes };
}
