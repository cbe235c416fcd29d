// SPDX-License-Identifier: MIT
import type { Writable } from "node:stream";

/**
 * Writes what comes in one tick at its end, all in one system call. Frames that lie side by side in memory, as those do
 * which were read together and go to the same workers, are one write of the stream: it costs more than a small frame.
 */
export class TickWriter {
  /** The first of the frames that lie side by side, and how long they are in all. */
  private first: Buffer | undefined;
  private length = 0;
  private corked = false;

  constructor(private readonly stream: Writable) {}

  /** Bytes that the operating system has not taken yet. */
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
