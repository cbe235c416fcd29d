// SPDX-License-Identifier: MIT
import cluster from "node:cluster";
import { EventEmitter } from "node:events";
import { Socket } from "node:net";
import { createClock } from "../../clock";
import { describe } from "../../errors";
import { debugFrame } from "../../log";
import { forgetServer, type Handle, stopReading } from "../../node-internals";
import { decodeFrame, encodeFrame, FrameError } from "../../protocol/codec";
import { FrameReader, MAX_FRAME_BYTES } from "../../protocol/frame-reader";
import { seal, unseal } from "../../protocol/ipc";
import { describeVersions } from "../../protocol/link-version";
import {
  type Answer,
  LINK_VERSION,
  type MovedSession,
  type Question,
  type ServerNumber,
  type ToPrimary,
  type ToWorker,
} from "../../protocol/messages";
import type { Seat } from "../../protocol/session-id";
import { WELCOME_TIMEOUT_MS } from "../../protocol/timing";
import { Outbox } from "./outbox";
import { Questions, type Unnumbered } from "./questions";
import { type ForAdapter, Scopes } from "./scopes";
import { throwLater } from "./throw-later";

/** What is sent before the primary has answered waits, up to this many bytes. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** What is neither for an adapter (see {@link Scopes}) nor the answer to a question. */
type Announced = Exclude<ToWorker, ForAdapter | Answer>;

type Events = { [M in Announced as M["type"]]: [message: M] } & {
  /** A connection from the primary: its number, the server it is for, what was read from it, and its handle. */
  handoff: [
    seq: number,
    server: ServerNumber | undefined,
    head: Buffer,
    handle: Handle | undefined,
    session: MovedSession | undefined,
  ];
  /** The seat is known and frames can be sent. */
  open: [];
};

/**
 * The worker's end of the link to the primary.
 *
 *     opening ──welcome──▶ open ──IPC channel closed──▶ closed
 *        ├──unwelcome──▶ closed (the versions differ)
 *        └──no answer──▶ opening still, but said so
 */
export class WorkerLink extends EventEmitter<Events> {
  /** The clock of all that waits for something in this worker. */
  readonly clock = createClock();
  private state: "opening" | "open" | "closed" = "opening";
  private readonly waiting: { frame: Buffer; name: string }[] = [];
  private waitingBytes = 0;
  private maxFrameBytes = MAX_FRAME_BYTES;
  /** Names of messages that were too large, each reported once. */
  private readonly tooLarge = new Set<string>();
  private pipe: Socket | undefined;
  private corked = false;
  private unanswered = false;
  /** The last kept packet that came, or that an answer of the primary covers; those before it are with their clients. */
  lastOrder = 0;
  /** What the offsets of this primary's packets begin with. */
  epoch = "";
  /** Where the servers of this worker listen; known once the link is open. */
  folder = "";
  /** Whether the workers of this app call no `listen`, as far as the primary has seen. */
  takesDefault = false;
  /** Slot and generation of this worker; known once the link is open. */
  seat: Seat | undefined;
  /** The kept packets that are on their way there and back. */
  readonly outbox = new Outbox();
  private readonly questions = new Questions(this.clock, (question, name) => this.sendNow(question, name));
  /** The Socket.IO servers of this process, whose adapters hear what is for them. */
  readonly scopes = new Scopes(this, this.questions);

  constructor() {
    super();
    this.setMaxListeners(0);
    process.on("message", (message, handle) => this.receiveIpc(message, handle as Handle | undefined));
    process.once("disconnect", () => this.close());
    this.sendIpc(encodeFrame({ type: "hello", version: LINK_VERSION }));
    this.clock.after(WELCOME_TIMEOUT_MS, () => {
      if (this.state !== "opening") return;
      this.unanswered = true;
      this.outbox.giveUp();
      this.scopes.giveUp();
      console.error(describe("STICKY_NO_PRIMARY"));
    });
  }

  /** The primary has answered, and is there. */
  get isOpen(): boolean {
    return this.state === "open";
  }

  /** Nothing comes back from the primary: this worker is on its own. */
  get isDown(): boolean {
    return this.state === "closed" || (this.state === "opening" && this.unanswered);
  }

  /**
   * Sends with all else that is sent in this tick. Returns whether it is on its way, or will be.
   *
   * @param name what it is called if it is too large to be sent
   */
  send(message: ToPrimary, name?: string): boolean {
    return this.sendFrame(message, name, true);
  }

  /**
   * Hands the message to the operating system before it returns, where a pipe allows that. Returns whether it is on its
   * way, or will be.
   */
  sendNow(message: ToPrimary, name?: string): boolean {
    return this.sendFrame(message, name, false);
  }

  /**
   * Asks the primary; this is the one way to do so.
   *
   * @param deadlineMs after this time there is no answer; at once if the question cannot be sent
   * @param take makes the result of the answer (`undefined`: there is none), in its place among all that comes over the
   *   link. An answer that comes too late is emitted as an event of its type.
   */
  ask<Q extends Question["type"], R>(
    question: Unnumbered<Q> & { type: Q },
    deadlineMs: number,
    take: (answer: Answer<Q> | undefined) => R | Promise<R>,
  ): Promise<R> {
    return this.questions.ask<Q, R>(question, deadlineMs, take);
  }

  /** Gives a connection of a server back to the primary, which reads `bytes` first, then what is buffered, then the rest. */
  giveBack(socket: Socket, server: ServerNumber, bytes: Buffer, onSent = () => {}): void {
    stopReading(socket);
    socket.setTimeout(0);
    socket.removeAllListeners("timeout");
    forgetServer(socket);
    const buffered = (socket.read() as Buffer | null) ?? Buffer.alloc(0);
    const back = Buffer.concat([bytes, buffered]).toString("latin1");
    // The handle may have to queue for its turn: the socket keeps it until the message is out.
    process.send?.(seal({ back, server }), socket, {}, () => {
      onSent();
      socket.destroy();
    });
  }

  /** Lets go of a session's connection, on which nothing is read any more. */
  moveSocket(sid: string, socket: Socket, onSent: () => void): void {
    socket.setTimeout(0);
    forgetServer(socket);
    process.send?.(seal({ move: sid }), socket, {}, () => {
      onSent();
      socket.destroy();
    });
  }

  private sendFrame(message: ToPrimary, name: string = message.type, later: boolean): boolean {
    // Sessions of other workers may move here as soon as this worker is ready: to which of its servers is known by then.
    if (message.type === "serve") this.scopes.introduceAll();
    return this.write(encodeFrame(message), name, later);
  }

  private write(frame: Buffer, name: string, later: boolean): boolean {
    if (this.state === "closed") return false;
    if (debugFrame.enabled) debugFrame("to the primary: %s, %d bytes", name, frame.length);
    if (frame.length > this.maxFrameBytes) {
      if (!this.tooLarge.has(name)) {
        console.error(describe("STICKY_TOO_LARGE", name, frame.length, this.maxFrameBytes));
      }
      this.tooLarge.add(name);
      return false;
    }
    if (this.state === "opening") {
      if (this.waitingBytes + frame.length > MAX_WAITING_BYTES) return false;
      this.waitingBytes += frame.length;
      this.waiting.push({ frame, name });
    } else if (!this.pipe) {
      this.sendIpc(frame);
    } else {
      if (later) this.corkUntilNextTick();
      else if (this.corked) this.uncork();
      this.pipe.write(frame);
    }
    return true;
  }

  private corkUntilNextTick(): void {
    if (this.corked) return;
    this.corked = true;
    this.pipe!.cork();
    process.nextTick(() => this.uncork());
  }

  private uncork(): void {
    if (!this.corked) return;
    this.corked = false;
    this.pipe!.uncork();
  }

  private sendIpc(frame: Buffer): void {
    if (process.connected) process.send?.(seal({ f: frame.toString("base64") }), undefined, {}, () => {});
  }

  private receiveIpc(ipcMessage: unknown, handle: Handle | undefined): void {
    const envelope = unseal(ipcMessage);
    if (!envelope) return;
    if ("handoff" in envelope) {
      const { handoff: seq, server, head, session } = envelope;
      this.emit("handoff", seq, server, Buffer.from(head, "latin1"), handle, session);
    } else if ("f" in envelope && this.state !== "closed") {
      this.dispatch(decodeFrame(Buffer.from(envelope.f, "base64")) as ToWorker);
    }
  }

  private dispatch(message: ToWorker): void {
    if (message.type === "welcome") {
      this.epoch = message.epoch;
      this.folder = message.folder;
      this.takesDefault = message.takesDefault;
      this.maxFrameBytes = message.maxFrameBytes;
      this.open(message.seat, message.fd);
    } else if (message.type === "unwelcome") {
      console.error(describeVersions(LINK_VERSION, message.version));
      this.close();
    } else {
      if (debugFrame.enabled) debugFrame("from the primary: %s", message.type);
      if ("order" in message && message.order !== undefined) this.lastOrder = message.order;
      if (message.type === "kept") this.outbox.cameBack(message.order);
      if (this.questions.answered(message) || this.scopes.take(message)) return;
      this.emit((message as Announced).type, message as never);
    }
  }

  private open(seat: Seat, fd: number | undefined): void {
    if (this.state !== "opening") return;
    this.seat = seat;
    this.state = "open";
    if (fd !== undefined) this.openPipe(fd);
    for (const { frame, name } of this.waiting.splice(0)) this.write(frame, name, true);
    this.emit("open");
  }

  private openPipe(fd: number): void {
    const pipe = new Socket({ fd, readable: true, writable: true });
    const reader = new FrameReader();
    pipe.on("data", (chunk: Buffer) => {
      try {
        for (const { message } of reader.push(chunk)) throwLater(() => this.dispatch(message as ToWorker));
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        console.error(describe("STICKY_LINK_FRAME", "the primary", error.message));
        this.close();
      }
    });
    pipe.on("error", () => this.close());
    // The link alone is no reason for the process to live on.
    pipe.unref();
    this.pipe = pipe;
  }

  private close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.pipe?.destroy();
    this.outbox.giveUp();
    this.questions.giveUp();
    this.scopes.giveUp();
  }
}

/** One link per process, also if several copies of this package are loaded. */
const LINK = Symbol.for(`pm2-socket.io/link/${LINK_VERSION}`);

/** The link of this process, or `undefined` if it is not a cluster worker. */
export function link(): WorkerLink | undefined {
  if (!cluster.isWorker || !process.send) return undefined;
  const holder = process as unknown as Record<symbol, WorkerLink | undefined>;
  holder[LINK] ??= new WorkerLink();
  return holder[LINK];
}
