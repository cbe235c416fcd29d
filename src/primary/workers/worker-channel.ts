// SPDX-License-Identifier: MIT
import type { Worker } from "node:cluster";
import type { Socket } from "node:net";
import type { Clock } from "../../clock";
import { describe } from "../../errors";
import { type Log, shield } from "../../log";
import { type Handle, sendHandle } from "../../node-internals";
import { describeVersions } from "../../protocol/link-version";
import { LINK_VERSION, type ToPrimary, type ToWorker } from "../../protocol/messages";
import { type LinkLimits, maxFrameBytes, PrimaryLink } from "./link";

/** What a worker is told first (`welcome`), except for what the channel knows itself. */
export type Greeting = Pick<
  Extract<ToWorker, { type: "welcome" }>,
  "seat" | "epoch" | "folder" | "takesDefault"
>;

/**
 * All that the primary says to a worker's process and hears from it, over the IPC channel and, once the worker has said
 * `hello`, over the link. A worker that breaks the rules of the link is killed, so that its manager replaces it.
 */
export class WorkerChannel {
  private link: PrimaryLink | undefined;
  /**
   * Whether the worker has said `hello`. It may do so only once, because a second reader of its pipe
   * would take frames away.
   */
  private greeted = false;
  framesRelayed = 0;
  bytesRelayed = 0;
  framesDropped = 0;

  /**
   * @param name of the worker, for the log
   * @param pipeFd the worker's file descriptor of the pipe that was made for the link. Other pipes are the app's own.
   */
  constructor(
    private readonly worker: Worker,
    private readonly name: string,
    private readonly pipeFd: number | undefined,
    private readonly owner: { readonly log: Log; readonly clock: Clock; readonly limits: LinkLimits },
    private readonly onMessage: (message: ToPrimary, bytes: Buffer) => void,
  ) {}

  /** Whether the worker can be told anything. */
  get isOpen(): boolean {
    return this.link !== undefined;
  }

  /** A frame that came over IPC. */
  receiveIpc(base64: string): void {
    this.link ??= this.createLink(undefined);
    this.link.receiveIpc(base64);
  }

  /**
   * Answers `hello`, and opens the pipe if the worker has one. Returns false if the worker has said it before, or
   * speaks another version.
   */
  greet(version: number, greeting: Greeting): boolean {
    if (this.greeted) return false;
    this.greeted = true;
    if (version !== LINK_VERSION) {
      this.owner.log.error(describeVersions(version, LINK_VERSION));
      this.send({ type: "unwelcome", version: LINK_VERSION });
      // The two sides would not understand each other.
      this.link?.close();
      return false;
    }
    const fd = this.pipeFd;
    const pipe = fd === undefined ? undefined : this.worker.process.stdio[fd];
    this.send({
      ...{ type: "welcome", version: LINK_VERSION, ...greeting },
      ...{ fd: pipe ? fd : undefined, maxFrameBytes: maxFrameBytes(this.owner.limits) },
    });
    if (pipe) this.link = this.createLink(pipe as Socket);
    return true;
  }

  send(message: ToWorker): void {
    this.link?.send(message);
  }

  /**
   * How many bytes the worker can be sent in one message: at most half of what may wait for it, and now what is left of
   * that half. The other half is kept for everything else.
   */
  get capacity(): { now: number; most: number } {
    const most = maxFrameBytes(this.owner.limits) / 2;
    return { now: most - (this.link?.waitingBytes ?? 0), most };
  }

  /** Passes on a frame of another worker. If it is `volatile` and this worker is slow to read, it is dropped. */
  relay(frame: Buffer, volatile: boolean): void {
    if (!this.link) return;
    if (volatile && this.link.isBehind) {
      this.framesDropped++;
      return;
    }
    this.framesRelayed++;
    this.bytesRelayed += frame.length;
    this.link.sendBytes(frame);
  }

  sendHandle(message: object, handle: Handle, callback: (error: Error | null) => void): void {
    if (!this.worker.isConnected()) {
      process.nextTick(callback, new Error("not connected"));
      return;
    }
    sendHandle(this.worker, message, handle, callback);
  }

  /** The worker is gone. Calls `done` when all that it had said before has been read. */
  finish(done: () => void): void {
    if (this.link) this.link.finish(done);
    else done();
  }

  private createLink(pipe: Socket | undefined): PrimaryLink {
    const { log, clock, limits } = this.owner;
    return new PrimaryLink(
      this.name,
      clock,
      limits,
      pipe,
      (message, callback) => this.sendIpc(message, callback),
      {
        onMessage: shield(log, this.onMessage),
        onGarbage: (reason: string) => this.refuse(reason),
        onStuck: (bytes: number) => {
          log.error(describe("STICKY_LINK_STUCK", this.name, bytes));
          this.kill();
        },
      },
    );
  }

  /** The worker has said something that it may not say: nothing more of it is heard, and it is killed. */
  refuse(reason: string): void {
    this.link?.close();
    this.owner.log.error(describe("STICKY_LINK_FRAME", this.name, reason));
    this.kill();
  }

  private kill(): void {
    this.worker.process.kill("SIGKILL");
  }

  private sendIpc(message: object, callback: () => void): void {
    if (!this.worker.isConnected()) return;
    this.worker.send(message as never, callback);
  }
}
