// SPDX-License-Identifier: MIT
import { decodeFrame, FrameError, HEADER } from "./codec";
import type { Message } from "./messages";

/**
 * Both ends refuse a frame that is larger, whatever is configured: a frame has to be held in memory as a whole, and a
 * length beyond this is rather garbage than something that anybody meant to send.
 */
export const MAX_FRAME_BYTES = 512 * 1024 * 1024;

/** One frame: the message in it, and the very bytes in which it came, so that it can be passed on as it is. */
export interface Frame {
  message: Message;
  bytes: Buffer;
}

/**
 * Cuts a byte stream into frames, whatever the chunks in which it arrives. A frame that lies within one chunk is a view
 * of that chunk; only a frame that came in several chunks is copied. (Benchmark row `relay`: views that lie side by
 * side in memory can be sent on in one write, see `tick-writer.ts`.)
 */
export class FrameReader {
  /** What has arrived of a frame that is not complete. It may be less than the frame's header. */
  private pieces: Buffer[] = [];
  private buffered = 0;
  /** How long that frame is in all; while its header is not complete, how long the header is. */
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

  /**
   * Adds to the frame that has begun in earlier chunks what this chunk has of it. Returns where in the chunk the next
   * frame begins, or the chunk's end.
   */
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

  /** How long the frame is that begins at this place. Throws {@link FrameError} if it cannot be so long. */
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
