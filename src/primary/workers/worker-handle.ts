// SPDX-License-Identifier: MIT
import type { Worker } from "node:cluster";
import type { Socket } from "node:net";
import { describe } from "../../errors";
import { shield } from "../../log";
import { type Envelope, unseal } from "../../protocol/ipc";
import type { ServerNumber, ToPrimary, ToWorker } from "../../protocol/messages";
import { makePrivateFolder, privateAddress, removePrivateFolder } from "../../protocol/private-address";
import { generationOf, type Seat, slotOf } from "../../protocol/session-id";
import { CLOSING_MS } from "../../protocol/timing";
import type { Arrival } from "../connections/arrival";
import { Handoff } from "../connections/handoff";
import { Drain } from "./drain";
import { HandoverCounts } from "./handover-counts";
import { isOfficialMessage, type OfficialMessage, OfficialWorker } from "./official-worker";
import { WorkerChannel } from "./worker-channel";
import type { ServedServer, WorkerContext, WorkerTerms } from "./worker-terms";

/**
 * Life of a worker as the primary sees it:
 *
 *     starting ──its first server listens──▶ listening ──it has said "ready", or need not──▶ ready
 *                                                └──its time for that is over──▶ overdue ──"ready"──▶ ready
 *     listening, overdue, ready ──the app has closed its last server──▶ closed ──one listens──▶ as before
 *
 *     any of these ──drain()──▶ draining ──left()──▶ gone ◀──left()── any
 *
 * A ready worker gets new sessions and plain requests; an overdue one only if no other worker is ready; a draining one
 * still gets the requests of its sessions. What the state is follows from what is known of the worker, in `stateNow`.
 */
export type WorkerState = "starting" | "listening" | "overdue" | "ready" | "closed" | "draining" | "gone";

/** What a worker handle tells its app. */
export interface WorkerEvents {
  onStateChange(worker: WorkerHandle): void;
  /** The worker is gone, and all that it had said before has been heard. */
  onSilence(worker: WorkerHandle): void;
  /** The worker did not take a connection. */
  onReturn(arrival: Arrival): void;
  /** The worker gives back a connection of one of its servers, with the bytes that it has read of the next request. */
  onTakeBack(worker: WorkerHandle, server: ServerNumber, socket: Socket, bytes: Buffer): void;
  /** The connection of a session that moves. */
  onMoveSocket(worker: WorkerHandle, sessionId: string, socket: Socket): void;
  onOfficialRelay(worker: WorkerHandle, message: OfficialMessage): void;
}

type Handler<T extends ToPrimary["type"]> = (
  worker: WorkerHandle,
  message: Extract<ToPrimary, { type: T }>,
  frame: Buffer,
) => void;

/** What the app does with messages that concern more than the worker that sends them. */
export type AppHandlers = { [T in ToPrimary["type"]]?: Handler<T> } & {
  /** Is called for all messages that have no handler of their own. */
  relay: (worker: WorkerHandle, message: ToPrimary, frame: Buffer) => void;
};

export class WorkerHandle {
  private currentState: WorkerState = "starting";
  readonly channel: WorkerChannel;
  private readonly handoff: Handoff;
  /** For the log. */
  readonly name: string;
  /** Set once the worker speaks the official packages' protocol instead of ours. */
  official: OfficialWorker | undefined;
  /** Whether its connections are handed over in that protocol as well. */
  private isServedOfficially = false;
  /** Its HTTP servers that listen, by number. */
  readonly servers = new Map<ServerNumber, ServedServer>();
  /** The folder with the private addresses of its servers. */
  private folder: string | undefined;
  /** Whether it has to say "ready" before it is ready (PM2's `wait_ready`), and whether it has said so in time. */
  private readiness: "not needed" | "awaited" | "overdue" | "said";
  private readyTimer: NodeJS.Timeout | undefined;
  /** Whether it has said anything on the link but `hello`. */
  private hasSaidAnything = false;
  sessions = 0;
  connections = 0;
  forwarded = 0;
  /** What became of the sessions that this worker gave up. */
  readonly handoverCounts: HandoverCounts;
  /** How many sessions are on their way to this worker. */
  arriving = 0;
  readonly draining: Drain;

  constructor(
    readonly worker: Worker,
    readonly seat: Seat,
    readonly terms: WorkerTerms,
    private readonly context: WorkerContext,
    private readonly events: WorkerEvents,
    private readonly handlers: AppHandlers,
  ) {
    this.name = `worker ${this.slot} (pid ${this.pid})`;
    this.readiness = terms.readyWithinMs === undefined ? "not needed" : "awaited";
    this.channel = new WorkerChannel(worker, this.name, terms.pipeFd, context, (message, bytes) =>
      this.handleMessage(message, bytes),
    );
    this.draining = new Drain(context.clock, (tookMs) =>
      context.log.info(`${this.name} gave up its sessions in ${tookMs} ms: ${this.handoverCounts}`),
    );
    this.handoff = new Handoff(
      context.clock,
      context.limits,
      (message, handle, callback) => this.channel.sendHandle(message, handle, callback),
      (arrival) => events.onReturn(arrival),
    );
    this.handoverCounts = new HandoverCounts(context.handoverCounts);
  }

  get state(): WorkerState {
    return this.currentState;
  }

  get slot(): number {
    return slotOf(this.seat);
  }

  get generation(): number {
    return generationOf(this.seat);
  }

  get slotKey(): string | undefined {
    return this.terms.slotKey;
  }

  get pid(): number | undefined {
    return this.worker.process.pid;
  }

  /** What "least-connection" compares: the sessions that the worker has, and what is about to become one. */
  get load(): number {
    return this.sessions + this.handoff.pending + this.arriving;
  }

  get handedOff(): number {
    return this.handoff.count + (this.official?.handedOff ?? 0);
  }

  /** Whether the requests of the worker's own sessions still go to it. */
  get servesItsSessions(): boolean {
    if (this.currentState === "draining") return !this.draining.over;
    return this.currentState === "ready" || this.currentState === "overdue";
  }

  /** Whether the worker uses this package for anything. Most processes that PM2 runs do not. */
  get takesPart(): boolean {
    return this.hasSaidAnything || this.official !== undefined;
  }

  /** The worker's main server, which is its first one with Socket.IO, if it has one. */
  get mainServer(): ServerNumber | undefined {
    for (const [number, { isMain }] of this.servers) if (isMain) return number;
    return undefined;
  }

  /** Where other workers reach one of its servers. */
  privateAddress(server: ServerNumber): string | undefined {
    return this.folder === undefined || this.isServedOfficially
      ? undefined
      : privateAddress(this.folder, server);
  }

  /**
   * Handles an IPC message of the worker, if it is meant for us. Returns whether it was; if so,
   * nobody else should see it.
   */
  handleIpc(message: unknown, socket: Socket | undefined): boolean {
    const envelope = unseal(message);
    if (envelope) shield(this.context.log, () => this.handleEnvelope(envelope, socket))();
    else if (isOfficialMessage(message)) shield(this.context.log, () => this.handleOfficial(message))();
    else return false;
    return true;
  }

  /** Gives the worker a connection for one of its servers, or that of a session which moves. */
  offer(arrival: Arrival, server: ServerNumber | undefined): void {
    if (this.official && this.isServedOfficially) this.official.offer(arrival);
    else this.handoff.offer(arrival, server);
  }

  /** How many bytes it can be sent in one message, now and at most; see {@link WorkerChannel.capacity}. */
  get capacity(): { now: number; most: number } {
    return this.channel.capacity;
  }

  send(message: ToWorker): void {
    this.channel.send(message);
  }

  /**
   * A server listens, or asks for another address. With the first one the time begins in which the
   * worker has to be ready.
   */
  serve(server: ServerNumber, served: ServedServer): void {
    this.servers.set(server, served);
    if (this.readiness === "awaited") {
      this.readyTimer ??= this.context.clock.after(this.terms.readyWithinMs ?? 0, () => {
        if (this.readiness === "awaited") this.readiness = "overdue";
        this.update();
      });
    }
  }

  unserve(server: ServerNumber): void {
    this.servers.delete(server);
  }

  /** The app has said that it is ready, as it has to with PM2's `wait_ready`. */
  saidReady(): void {
    clearTimeout(this.readyTimer);
    if (this.readiness !== "not needed") this.readiness = "said";
    this.update();
  }

  /**
   * Takes the worker out of service: it gets no new work, and its sessions move to other workers or are
   * closed properly. Resolves when it has nothing left or is gone, when it makes no progress for
   * `standstillMs`, or after `timeoutMs`.
   */
  drain(standstillMs: number, timeoutMs: number): Promise<void> {
    if (this.currentState === "gone") return Promise.resolve();
    const isFirst = this.currentState !== "draining";
    this.transition("draining");
    if (!this.channel.isOpen) return Promise.resolve();
    const { moves, ackTimeoutMs } = this.context.limits.handover;
    // While a session waits for an acknowledgement the worker makes no progress, but it does not stand still either:
    // that wait has a limit of its own.
    const sessionStandstillMs = Math.max(standstillMs, moves ? ackTimeoutMs + CLOSING_MS : 0);
    const drained = this.draining.begin({ standstillMs, sessionStandstillMs, timeoutMs }, this.sessions);
    if (isFirst && !this.draining.over)
      this.send({ type: "drain", moves, ackTimeoutMs, withinMs: timeoutMs });
    return drained;
  }

  /** Nobody is to wait for the worker's drain, neither for one that is running nor for one that begins later. */
  hurry(): void {
    this.draining.hurry();
  }

  /** The worker's process has ended, or has closed its IPC channel. */
  left(): void {
    if (this.currentState === "gone") return;
    const wasDraining = this.currentState === "draining";
    clearTimeout(this.readyTimer);
    this.transition("gone");
    this.handoff.abandon();
    this.draining.stop();
    this.channel.finish(shield(this.context.log, () => this.fallSilent(wasDraining)));
  }

  /** The state that follows from what is known about the worker. Only here it is decided. */
  private stateNow(): WorkerState {
    if (this.currentState === "gone" || this.currentState === "draining") return this.currentState;
    if (this.servers.size === 0) return this.currentState === "starting" ? "starting" : "closed";
    if (this.readiness === "awaited") return "listening";
    return this.readiness === "overdue" ? "overdue" : "ready";
  }

  /** Something about the worker has become known: its state may be another one now. */
  update(): void {
    this.transition(this.stateNow());
  }

  private transition(next: WorkerState): void {
    if (this.currentState === next) return;
    this.currentState = next;
    this.events.onStateChange(this);
  }

  private fallSilent(wasDraining: boolean): void {
    // The sessions that it still had, although it was told to give up everything, were cut off when it ended.
    if (wasDraining) this.handoverCounts.count("failed", this.sessions);
    this.sessions = 0;
    this.connections = 0;
    this.events.onSilence(this);
    this.draining.finish();
    if (this.folder !== undefined) removePrivateFolder(this.folder);
  }

  private handleEnvelope(envelope: Envelope, socket: Socket | undefined): void {
    if ("back" in envelope) {
      if (!socket) return; // the client was gone before the handle arrived
      socket.allowHalfOpen = true;
      const bytes = Buffer.from(String(envelope.back), "latin1");
      this.events.onTakeBack(this, Number(envelope.server), socket, bytes);
    } else if ("move" in envelope) {
      if (socket) this.events.onMoveSocket(this, envelope.move, socket);
    } else if ("f" in envelope) {
      this.channel.receiveIpc(envelope.f);
    }
  }

  private handleMessage(message: ToPrimary, bytes: Buffer): void {
    if (message.type !== "hello") this.hasSaidAnything = true;
    if (message.type === "serve") this.isServedOfficially = false;
    const own = this.own[message.type] as ((message: ToPrimary) => void) | undefined;
    const handler = this.handlers[message.type] as AppHandlers["relay"] | undefined;
    if (own) own(message);
    else if (handler) handler(this, message, bytes);
    else this.handlers.relay(this, message, bytes);
  }

  /** Messages that concern this worker alone. */
  private readonly own: { [T in ToPrimary["type"]]?: (message: Extract<ToPrimary, { type: T }>) => void } = {
    hello: ({ version }) => {
      const { epoch, takesDefault } = this.context;
      this.folder ??= makePrivateFolder(this.terms.owner);
      const { folder, seat } = this;
      if (this.channel.greet(version, { seat, epoch, folder, takesDefault })) this.events.onStateChange(this);
    },
    accepted: ({ seq }) => this.handoff.accepted(seq),
    refused: ({ seq }) => this.handoff.refused(seq),
    drained: () => this.draining.finish(),
    load: ({ sessions, connections, forwarded, closed }) => {
      const isLess = sessions < this.sessions || connections < this.connections;
      this.sessions = sessions;
      this.connections = connections;
      this.forwarded = forwarded;
      if (isLess) this.draining.progress(sessions);
      const { handoverCounts } = this;
      if (closed > handoverCounts.closed) handoverCounts.count("closed", closed - handoverCounts.closed);
    },
  };

  /**
   * Handles a message in the protocol of the official packages. Two kinds of workers send such messages. One has both
   * packages in its bundle; its connections are handed over in their protocol, and its first message says that it
   * serves. The other has only the adapter in its bundle, and our `setupWorker`; it has a link, says by itself that it
   * serves, and gets its connections in our protocol.
   */
  private handleOfficial(message: OfficialMessage): void {
    const ofAdapter = "source" in message;
    if (!ofAdapter && this.servers.size > 0 && !this.isServedOfficially) return;
    if (!this.official) {
      this.official = new OfficialWorker(this.worker);
      this.context.log.info(describe("STICKY_IPC_LEGACY", this.name));
    }
    if (this.servers.size === 0 && !(ofAdapter && this.channel.isOpen)) {
      this.isServedOfficially = true;
      this.handlers.serve?.(this, { type: "serve", server: 0, main: true }, Buffer.alloc(0));
    }
    if ("source" in message) {
      this.events.onOfficialRelay(this, message);
    } else if (message.type === "sticky:connection") {
      this.sessions++;
      this.handlers.claim?.(this, { type: "claim", seq: 0, id: message.data }, Buffer.alloc(0));
    } else {
      this.sessions--;
      this.handlers.unclaim?.(this, { type: "unclaim", id: message.data }, Buffer.alloc(0));
    }
  }
}
