// SPDX-License-Identifier: MIT
import type { Writable } from "node:stream";

/**
 * Collects what is to be written in one tick and writes it at the end of the tick, in one system call. Frames that were
 * read together and go to the same worker lie side by side in memory; they are joined, without copying, into one write
 * to the stream, because each such write costs more than a small frame itself (benchmark row `relay`).
 */
export class TickWriter {
  /** The first of those frames that lie side by side and are not yet written to the stream, and their length in all. */
  private first: Buffer | undefined;
  private length = 0;
  private corked = false;

  constructor(private readonly stream: Writable) {}

  /** How many bytes the operating system has not taken yet. */
  get waitingBytes(): number {
    return this.length + this.stream.writableLength;
  }

  write(frame: Buffer): void {
    const { first } = this;
    if (first && first.buffer === frame.buffer && first.byteOffset + this.length === frame.byteOffset) {
      this.length += frame.length;
      return;
    }
    if (!first) process.nextTick(this.flush);
    else this.writeOut();
    this.first = frame;
    this.length = frame.length;
  }

  private readonly flush = () => {
    this.writeOut();
    this.first = undefined;
    this.length = 0;
    if (this.corked) this.stream.uncork();
    this.corked = false;
  };

  private writeOut(): void {
    const { buffer, byteOffset, length } = this.first!;
    if (!this.corked) this.stream.cork();
    this.corked = true;
    this.stream.write(length === this.length ? this.first : Buffer.from(buffer, byteOffset, this.length));
  }
}
