// SPDX-License-Identifier: MIT
import type { Socket } from "node:net";
import type { Clock } from "../../clock";
import { debugFrame } from "../../log";
import { decodeFrame, encodeFrame, FrameError } from "../../protocol/codec";
import { type Frame, FrameReader, MAX_FRAME_BYTES } from "../../protocol/frame-reader";
import { seal } from "../../protocol/ipc";
import type { ToPrimary, ToWorker } from "../../protocol/messages";
import { fromWorker } from "../../protocol/shapes";
import { LAST_WORDS_MS } from "../../protocol/timing";
import { TickWriter } from "./tick-writer";

export interface LinkLimits {
  /** How many bytes may wait for a worker. If more than a quarter of it waits, volatile packets are dropped. */
  linkBufferBytes: number;
  /** How long a worker may read nothing while something waits for it. */
  linkTimeoutMs: number;
}

export interface LinkEvents {
  onMessage(message: ToPrimary, bytes: Buffer): void;
  /** The worker sent something that is not a frame, or not a message that workers send. The link is closed. */
  onGarbage(reason: string): void;
  /** The worker does not read, and has exceeded one of the {@link LinkLimits}. The link is closed. */
  onStuck(waitingBytes: number): void;
}

/** How many bytes a frame of a worker may have. */
export function maxFrameBytes({ linkBufferBytes }: LinkLimits): number {
  return Math.min(linkBufferBytes, MAX_FRAME_BYTES);
}

/**
 * The primary's end of the link to one worker. It uses the pipe that the worker has inherited, if there is one, else
 * the IPC channel. What is sent to a pipe in one tick is written together, see {@link TickWriter}.
 *
 *     flowing ──a quarter of the buffer waits──▶ behind (volatile packets are dropped) ──read──▶ flowing
 *        └──────────────────────────────────────────┴──buffer full, or nothing read in time──▶ stuck (closed)
 */
export class PrimaryLink {
  private readonly reader: FrameReader;
  private readonly writer: TickWriter | undefined;
  private closed = false;
  private finishing = false;
  private ipcBytes = 0;
  private sentBytes = 0;
  private stuckTimer: NodeJS.Timeout | undefined;

  /** @param name of the worker, for the debug log */
  constructor(
    private readonly name: string,
    private readonly clock: Clock,
    private readonly limits: LinkLimits,
    private readonly pipe: Socket | undefined,
    private readonly sendIpc: (message: object, callback: () => void) => void,
    private readonly events: LinkEvents,
  ) {
    this.writer = pipe && new TickWriter(pipe);
    this.reader = new FrameReader(maxFrameBytes(limits));
    pipe?.on("data", (chunk: Buffer) => this.hear(() => this.reader.push(chunk)));
    // If the worker has died, its process tells us so; here nothing has to be done about that.
    pipe?.on("error", () => this.close());
  }

  /** A frame that came over IPC. */
  receiveIpc(base64: string): void {
    if (this.closed) return;
    const bytes = Buffer.from(base64, "base64");
    this.hear(() => [{ message: decodeFrame(bytes), bytes }]);
  }

  send(message: ToWorker): void {
    if (debugFrame.enabled) debugFrame("to %s: %s", this.name, message.type);
    this.sendBytes(encodeFrame(message));
  }

  /**
   * Sends a frame that is encoded already. If the buffer has no room for it, the worker counts as stuck; but a frame
   * for which nothing else waits is always sent.
   */
  sendBytes(frame: Buffer): void {
    if (this.closed || this.finishing) return;
    if (this.waitingBytes > 0 && this.waitingBytes + frame.length > this.limits.linkBufferBytes) {
      this.stuck();
      return;
    }
    this.sentBytes += frame.length;
    this.write(frame);
    if (this.waitingBytes > 0) this.watchProgress();
  }

  private write(frame: Buffer): void {
    if (this.writer) {
      this.writer.write(frame);
      return;
    }
    this.ipcBytes += frame.length;
    this.sendIpc(seal({ f: frame.toString("base64") }), () => {
      this.ipcBytes -= frame.length;
    });
  }

  /** Whether so much is waiting that volatile packets should be dropped. */
  get isBehind(): boolean {
    return this.waitingBytes > this.limits.linkBufferBytes / 4;
  }

  /**
   * The worker is gone. Reads what it had written before, which the pipe may still hold, then closes the
   * link and calls `done`.
   */
  finish(done: () => void): void {
    this.finishing = true;
    clearTimeout(this.stuckTimer);
    if (!this.pipe || this.pipe.destroyed) {
      this.close();
      done();
      return;
    }
    const timer = this.clock.after(LAST_WORDS_MS, () => this.close());
    this.pipe.once("close", () => {
      clearTimeout(timer);
      this.close();
      done();
    });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.stuckTimer);
    this.pipe?.removeAllListeners("data");
    this.pipe?.destroy();
  }

  /** How many bytes were sent that the operating system has not taken yet. */
  get waitingBytes(): number {
    return this.writer?.waitingBytes ?? this.ipcBytes;
  }

  /**
   * Looks again after `linkTimeoutMs`. If nothing at all was read by then, though something
   * waited, the worker is stuck.
   */
  private watchProgress(): void {
    if (this.stuckTimer) return;
    const readBefore = this.sentBytes - this.waitingBytes;
    this.stuckTimer = this.clock.after(this.limits.linkTimeoutMs, () => {
      this.stuckTimer = undefined;
      if (this.waitingBytes === 0) return;
      if (this.sentBytes - this.waitingBytes === readBefore) this.stuck();
      else this.watchProgress();
    });
  }

  private stuck(): void {
    const waiting = this.waitingBytes;
    this.close();
    this.events.onStuck(waiting);
  }

  private hear(read: () => Frame[]): void {
    try {
      for (const { message, bytes } of read()) {
        if (this.closed) return;
        if (debugFrame.enabled) debugFrame("from %s: %s, %d bytes", this.name, message.type, bytes.length);
        this.events.onMessage(fromWorker(message), bytes);
      }
    } catch (error) {
      this.garbage(error);
    }
  }

  private garbage(error: unknown): void {
    if (!(error instanceof FrameError)) throw error;
    this.close();
    this.events.onGarbage(error.message);
  }
}
