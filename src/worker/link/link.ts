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

/**
 * What is sent before the primary has answered waits, up to this many bytes; what is sent beyond them is not
 * sent at all.
 */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/**
 * The messages that are neither for an adapter (see {@link Scopes}) nor the answer to a question; they are
 * emitted as events.
 */
type Announced = Exclude<ToWorker, ForAdapter | Answer>;

type Events = { [M in Announced as M["type"]]: [message: M] } & {
  /**
   * A connection from the primary: the number of the handoff, the server that it is for, the bytes that were
   * read from it, and its handle. `session` is set instead of `server` if it is the connection of a session
   * that moves here.
   */
  handoff: [
    seq: number,
    server: ServerNumber | undefined,
    head: Buffer,
    handle: Handle | undefined,
    session: MovedSession | undefined,
  ];
  /** The primary has answered: the seat is known, and frames are sent at once from now on. */
  open: [];
};

/**
 * The worker's end of the link to the primary. There is one per process, see {@link link}.
 *
 *     opening ──welcome──▶ open ──IPC channel closed──▶ closed
 *        ├──unwelcome──▶ closed (the versions differ)
 *        └──no answer──▶ opening still, but said so
 */
export class WorkerLink extends EventEmitter<Events> {
  /** The clock of everything in this worker that waits for something. */
  readonly clock = createClock();
  private state: "opening" | "open" | "closed" = "opening";
  private readonly waiting: { frame: Buffer; name: string }[] = [];
  private waitingBytes = 0;
  private maxFrameBytes = MAX_FRAME_BYTES;
  /** Names of messages that were too large; each of them is reported once. */
  private readonly tooLarge = new Set<string>();
  private pipe: Socket | undefined;
  private corked = false;
  private unanswered = false;
  /**
   * The place of the last kept packet that came over this link, or that an answer of the primary covers. All
   * packets before it have been written to the clients here.
   */
  lastOrder = 0;
  /** The beginning of all offsets that this primary gives, which tells them from those of an earlier one. */
  epoch = "";
  /** The folder of this worker's private addresses; known once the link is open. */
  folder = "";
  /** Whether the workers of this app call no `listen`, as far as the primary has seen in earlier ones. */
  takesDefault = false;
  /** Slot and generation of this worker; known once the link is open. */
  seat: Seat | undefined;
  /** The kept packets of this worker that are on their way to the primary and back. */
  readonly outbox = new Outbox();
  private readonly questions = new Questions(this.clock, (question, name) => this.sendNow(question, name));
  /** The Socket.IO servers of this process, through which messages find their adapters. */
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

  /** Whether the primary has answered, and is still there. */
  get isOpen(): boolean {
    return this.state === "open";
  }

  /** Whether this worker is on its own: nothing comes back from the primary (any more). */
  get isDown(): boolean {
    return this.state === "closed" || (this.state === "opening" && this.unanswered);
  }

  /**
   * Sends a message. Over a pipe it leaves together with all others of this tick, in one system call; what
   * that costs per delivery is measured by the row `bench/rows/relay.ts`.
   *
   * @param name what the message is called in the error log if it is too large to be sent
   * @returns whether it is on its way, or will be once the primary has answered
   */
  send(message: ToPrimary, name?: string): boolean {
    return this.sendFrame(message, name, true);
  }

  /**
   * Sends a message, and whatever waits for the end of the tick before it, at once: where there is a pipe
   * that has room, the operating system has it when this returns. So it survives if this process is killed in
   * the next moment.
   *
   * @returns whether it is on its way, or will be once the primary has answered
   */
  sendNow(message: ToPrimary, name?: string): boolean {
    return this.sendFrame(message, name, false);
  }

  /**
   * Asks the primary a question, and resolves to what `take` makes of the answer.
   *
   * @param deadlineMs how long to wait for the answer, in milliseconds. A question that cannot be sent is not
   *   waited for.
   * @param take is called once, with `undefined` if there is no answer. It runs at the answer's place in the
   *   stream: everything that came before it was handled, and nothing after it. An answer that comes after
   *   the deadline is handled as any other message of its type.
   */
  ask<Q extends Question["type"], R>(
    question: Unnumbered<Q> & { type: Q },
    deadlineMs: number,
    take: (answer: Answer<Q> | undefined) => R | Promise<R>,
  ): Promise<R> {
    return this.questions.ask<Q, R>(question, deadlineMs, take);
  }

  /**
   * Gives a connection back to the primary, which gives it to another worker. That one reads `bytes` first,
   * then what this process has read and not used, then the rest.
   */
  giveBack(socket: Socket, server: ServerNumber, bytes: Buffer, onSent = () => {}): void {
    stopReading(socket);
    socket.setTimeout(0);
    socket.removeAllListeners("timeout");
    forgetServer(socket);
    const buffered = (socket.read() as Buffer | null) ?? Buffer.alloc(0);
    const back = Buffer.concat([bytes, buffered]).toString("latin1");
    // Node sends one handle at a time, so the socket has to keep its handle until the message is out.
    process.send?.(seal({ back, server }), socket, {}, () => {
      onSent();
      socket.destroy();
    });
  }

  /** Sends the connection of a session that moves away to the primary. Its reading was stopped before. */
  moveSocket(sid: string, socket: Socket, onSent: () => void): void {
    socket.setTimeout(0);
    forgetServer(socket);
    process.send?.(seal({ move: sid }), socket, {}, () => {
      onSent();
      socket.destroy();
    });
  }

  private sendFrame(message: ToPrimary, name: string = message.type, later: boolean): boolean {
    // As soon as this worker serves, sessions of other workers may move here. By then the primary has to know
    // its Socket.IO servers, in order to choose the right one.
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
    // The link alone does not keep the process running.
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

/** There is one link per process, also if several copies of this package are loaded. */
const LINK = Symbol.for(`pm2-socket.io/link/${LINK_VERSION}`);

/** The link of this process, or `undefined` if it is not a cluster worker. */
export function link(): WorkerLink | undefined {
  if (!cluster.isWorker || !process.send) return undefined;
  const holder = process as unknown as Record<symbol, WorkerLink | undefined>;
  holder[LINK] ??= new WorkerLink();
  return holder[LINK];
}
