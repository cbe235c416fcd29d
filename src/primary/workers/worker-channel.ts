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

/** What a worker is told first, beside what the channel knows itself. */
export type Greeting = Pick<
  Extract<ToWorker, { type: "welcome" }>,
  "seat" | "epoch" | "folder" | "takesDefault"
>;

/**
 * What the primary says to a worker's process, and hears from it: over its IPC channel and, once the worker has asked
 * for it, over the link. A worker that breaks the link's rules is killed, so that it is replaced.
 */
export class WorkerChannel {
  private link: PrimaryLink | undefined;
  /** Each worker says `hello` once: a pipe has one reader. */
  private greeted = false;
  framesRelayed = 0;
  bytesRelayed = 0;
  framesDropped = 0;

  /**
   * @param name of the worker, for the log
   * @param pipeFd the file descriptor of a pipe that was made for the link; other pipes are the app's own
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

  /** The answer to `hello`: opens the pipe, if the worker has one. Returns whether there is anything to do now. */
  greet(version: number, greeting: Greeting): boolean {
    if (this.greeted) return false;
    this.greeted = true;
    if (version !== LINK_VERSION) {
      this.owner.log.error(describeVersions(version, LINK_VERSION));
      this.send({ type: "unwelcome", version: LINK_VERSION });
      // What else is said would not be understood, on either side.
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

  /** How many bytes fit into one message, now and at most: half of what may wait. The other half is for all else. */
  get capacity(): { now: number; most: number } {
    const most = maxFrameBytes(this.owner.limits) / 2;
    return { now: most - (this.link?.waitingBytes ?? 0), most };
  }

  /** Passes a frame of another worker on; one that is `volatile` is dropped if the worker is slow to read. */
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

  /** The worker is gone: hears what it had said before. */
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

  /** The worker said what no worker of ours may say: nothing more is heard of it. */
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
