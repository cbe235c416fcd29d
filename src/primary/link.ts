// SPDX-License-Identifier: MIT
import type { Socket } from "node:net";
import { decodeFrame, encodeFrame, type Frame, FrameError, FrameReader } from "../protocol/codec";
import { seal } from "../protocol/ipc";
import type { ToPrimary, ToWorker } from "../protocol/messages";

/** More bytes than this waiting in the primary mean that the worker does not read its link. */
export const MAX_LINK_BUFFER_BYTES = 64 * 1024 * 1024;

export interface LinkEvents {
  onMessage(message: ToPrimary, bytes: Buffer): void;
  /** The worker sent something that is not a frame; nothing more is read. */
  onGarbage(reason: string): void;
  /** {@link MAX_LINK_BUFFER_BYTES} are waiting; nothing more is written. */
  onStuck(waitingBytes: number): void;
}

/**
 * The primary's end of the link to one worker: the inherited pipe if there is one, else the IPC channel.
 * What is sent in one tick leaves in one write.
 */
export class PrimaryLink {
  private readonly reader = new FrameReader();
  private corked = false;
  private closed = false;
  private ipcBytes = 0;

  constructor(
    private readonly pipe: Socket | undefined,
    private readonly sendIpc: (message: object, callback: () => void) => void,
    private readonly events: LinkEvents,
  ) {
    pipe?.on("data", (chunk: Buffer) => this.receive(chunk));
    // The worker's death is learnt from its process.
    pipe?.on("error", () => this.close());
  }

  /** A frame that came over IPC. */
  receiveIpc(base64: string): void {
    if (this.closed) return;
    const bytes = Buffer.from(base64, "base64");
    try {
      this.events.onMessage(decodeFrame(bytes) as ToPrimary, bytes);
    } catch (error) {
      this.garbage(error);
    }
  }

  send(message: ToWorker): void {
    this.sendBytes(encodeFrame(message));
  }

  /** Sends a whole frame as it is. */
  sendBytes(frame: Buffer): void {
    if (this.closed) return;
    if (this.waitingBytes + frame.length > MAX_LINK_BUFFER_BYTES && this.waitingBytes > 0) {
      const waiting = this.waitingBytes;
      this.close();
      this.events.onStuck(waiting);
      return;
    }
    if (!this.pipe) {
      this.ipcBytes += frame.length;
      this.sendIpc(seal({ f: frame.toString("base64") }), () => {
        this.ipcBytes -= frame.length;
      });
      return;
    }
    if (!this.corked) {
      this.corked = true;
      this.pipe.cork();
      process.nextTick(() => {
        this.corked = false;
        this.pipe!.uncork();
      });
    }
    this.pipe.write(frame);
  }

  /** So much is waiting that what may be dropped should be dropped. */
  get isBehind(): boolean {
    return this.waitingBytes > MAX_LINK_BUFFER_BYTES / 4;
  }

  close(): void {
    this.closed = true;
    this.pipe?.removeAllListeners("data");
    this.pipe?.destroy();
  }

  private get waitingBytes(): number {
    return this.pipe ? this.pipe.writableLength : this.ipcBytes;
  }

  private receive(chunk: Buffer): void {
    let frames: Frame[];
    try {
      frames = this.reader.push(chunk);
    } catch (error) {
      this.garbage(error);
      return;
    }
    for (const { message, bytes } of frames) {
      if (this.closed) return;
      this.events.onMessage(message as ToPrimary, bytes);
    }
  }

  private garbage(error: unknown): void {
    if (!(error instanceof FrameError)) throw error;
    this.close();
    this.events.onGarbage(error.message);
  }
}
