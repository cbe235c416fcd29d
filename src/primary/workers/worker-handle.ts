// SPDX-License-Identifier: MIT
import type { Worker } from "node:cluster";
import type { Socket } from "node:net";
import type { Clock } from "../../clock";
import { describe } from "../../errors";
import { type Log, shield } from "../../log";
import { type Envelope, unseal } from "../../protocol/ipc";
import type { ListenAddress, MovedSession, ToPrimary, ToWorker } from "../../protocol/messages";
import { generationOf, type Seat, slotOf } from "../../protocol/session-id";
import { CLOSING_MS } from "../../protocol/timing";
import type { Arrival } from "../connections/arrival";
import { Handoff, type HandoffLimits } from "../connections/handoff";
import { Drain } from "./drain";
import { HandoverCounts } from "./handover-counts";
import type { LinkLimits } from "./link";
import { isOfficialMessage, type OfficialMessage, OfficialWorker } from "./official-worker";
import { WorkerChannel } from "./worker-channel";

/**
 * Life of a worker as the primary sees it:
 *
 *     starting ──ready()──▶ ready ──drain(), closing──▶ draining
 *        │                    ▲ └───────release──────────┘  │
 *        └────────────────────┴───── left() ───────────────▶ gone
 *
 * Only a ready worker gets new sessions and plain requests; a draining one still gets the requests of its sessions.
 */
export type WorkerState = "starting" | "ready" | "draining" | "gone";

/** What a worker handle tells the app it belongs to. */
export interface WorkerOwner {
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: HandoffLimits & LinkLimits;
  readonly handoverTerms: { moves: boolean; ackTimeoutMs: number };
  readonly handoverCounts: HandoverCounts;
  /** What the offsets of the app's packets begin with. */
  readonly epoch: string;
  onStateChange(worker: WorkerHandle): void;
  /** The worker is gone, and all that it had said was heard. */
  onSilence(worker: WorkerHandle): void;
  /** Whether the primary has opened, or is trying to open, this address for the app. */
  isPublic(address: ListenAddress): boolean;
  onReturn(arrival: Arrival): void;
  onTakeBack(socket: Socket, bytes: Buffer): void;
  onMove(worker: WorkerHandle, session: MovedSession): void;
  onMoveSocket(worker: WorkerHandle, sessionId: string, socket: Socket): void;
  onAdopted(worker: WorkerHandle, sessionId: string, ok: boolean): void;
  onRelay(worker: WorkerHandle, message: ToPrimary, frame: Buffer): void;
  onOfficialRelay(worker: WorkerHandle, message: OfficialMessage): void;
  ownerOf(sessionId: string): WorkerHandle | undefined;
  onClaim(sessionId: string, worker: WorkerHandle): void;
  onUnclaim(sessionId: string, worker: WorkerHandle): void;
}

export class WorkerHandle {
  private currentState: WorkerState = "starting";
  readonly channel: WorkerChannel;
  private readonly handoff: Handoff;
  /** For the log. */
  readonly name: string;
  /** Set once the worker speaks the official packages' protocol instead of ours. */
  official: OfficialWorker | undefined;
  private announced = false;
  private active = false;
  /** Told to drain by its manager: it cannot become ready again. */
  private retired = false;
  private hurried = false;
  /** Where the app asked to listen. */
  wants: ListenAddress | undefined;
  /** The worker's private address; `undefined` until it is ready. */
  address: string | undefined;
  sessions = 0;
  connections = 0;
  forwarded = 0;
  /** What became of the sessions that this worker gave up. */
  readonly handoverCounts: HandoverCounts;
  /** Sessions that are moving here. */
  arriving = 0;
  readonly draining: Drain;

  /**
   * @param held the worker is not ready before {@link release} is called, whatever it says itself
   */
  constructor(
    readonly worker: Worker,
    readonly seat: Seat,
    private readonly owner: WorkerOwner,
    private held = false,
  ) {
    this.name = `worker ${this.slot} (pid ${this.pid})`;
    this.channel = new WorkerChannel(worker, this.name, owner, (message, bytes) =>
      this.handleMessage(message, bytes),
    );
    this.draining = new Drain(owner.clock, (tookMs) =>
      owner.log.info(`${this.name} gave up its sessions in ${tookMs} ms: ${this.handoverCounts}`),
    );
    this.handoff = new Handoff(
      owner.clock,
      owner.limits,
      (message, handle, callback) => this.channel.sendHandle(message, handle, callback),
      (arrival) => owner.onReturn(arrival),
    );
    this.handoverCounts = new HandoverCounts(owner.handoverCounts);
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

  get pid(): number | undefined {
    return this.worker.process.pid;
  }

  /** What `least-connection` compares. */
  get load(): number {
    return this.sessions + this.handoff.pending + this.arriving;
  }

  get handedOff(): number {
    return this.handoff.count + (this.official?.handedOff ?? 0);
  }

  /** Whether the requests of the worker's own sessions still go to it. */
  get servesItsSessions(): boolean {
    return this.currentState === "ready" || (this.currentState === "draining" && !this.draining.over);
  }

  /** Whether the worker has used us for something; most processes that PM2 runs do not. */
  get takesPart(): boolean {
    return this.active || this.official !== undefined;
  }

  /**
   * Looks at an IPC message of the worker. Returns whether it was meant for us; if so, nobody else should see it.
   */
  handleIpc(message: unknown, socket: Socket | undefined): boolean {
    const envelope = unseal(message);
    if (envelope) shield(this.owner.log, () => this.handleEnvelope(envelope, socket))();
    else if (isOfficialMessage(message)) shield(this.owner.log, () => this.handleOfficial(message))();
    else return false;
    return true;
  }

  /** Gives the worker a connection. */
  offer(arrival: Arrival): void {
    if (this.official && this.address === undefined) this.official.offer(arrival);
    else this.handoff.offer(arrival);
  }

  get capacity(): { now: number; most: number } {
    return this.channel.capacity;
  }

  send(message: ToWorker): void {
    this.channel.send(message);
  }

  /** The app said that it is ready (PM2's `wait_ready`). */
  release(): void {
    this.held = false;
    this.becomeReady();
  }

  /**
   * Takes the worker out of service: no new work, sessions go to other workers or are ended cleanly. Resolves when it has
   * none left, is gone, stands still for `standstillMs`, or after `timeoutMs`.
   */
  drain(standstillMs: number, timeoutMs: number): Promise<void> {
    const first = !this.retired;
    this.retired = true;
    if (this.currentState === "gone") return Promise.resolve();
    this.transition("draining");
    if (!this.channel.isOpen) return Promise.resolve();
    const terms = this.owner.handoverTerms;
    // A session that waits for an acknowledgement is no standstill before that is given up.
    const sessionStandstillMs = Math.max(standstillMs, terms.moves ? terms.ackTimeoutMs + CLOSING_MS : 0);
    const drained = this.draining.begin({ standstillMs, sessionStandstillMs, timeoutMs }, this.sessions);
    if (this.hurried) this.draining.stop();
    else if (first) this.send({ type: "drain", ...terms, withinMs: timeoutMs });
    return drained;
  }

  /** Whoever waits for its drain, now or later, waits no more. */
  hurry(): void {
    this.hurried = true;
    this.draining.stop();
  }

  /** The process is gone, or is leaving the cluster. */
  left(): void {
    if (this.currentState === "gone") return;
    this.transition("gone");
    this.handoff.abandon();
    this.draining.stop();
    this.channel.finish(shield(this.owner.log, () => this.fallSilent()));
  }

  private fallSilent(): void {
    // What it still had when it was told to give up everything was cut off with it.
    if (this.retired) this.handoverCounts.count("failed", this.sessions);
    this.sessions = 0;
    this.connections = 0;
    this.owner.onSilence(this);
    this.draining.finish();
  }

  private becomeReady(): void {
    if (this.announced && !this.held && !this.retired && this.currentState !== "gone")
      this.transition("ready");
  }

  private transition(next: WorkerState): void {
    if (this.currentState === next) return;
    this.currentState = next;
    this.owner.onStateChange(this);
  }

  private handleEnvelope(envelope: Envelope, socket: Socket | undefined): void {
    if ("back" in envelope) {
      if (!socket) return; // the client was gone before the handle arrived
      socket.allowHalfOpen = true;
      this.owner.onTakeBack(socket, Buffer.from(envelope.back, "latin1"));
    } else if ("move" in envelope) {
      if (socket) this.owner.onMoveSocket(this, envelope.move, socket);
    } else if ("f" in envelope) {
      this.channel.receiveIpc(envelope.f);
    }
  }

  private handleMessage(message: ToPrimary, bytes: Buffer): void {
    if (message.type !== "hello" && message.type !== "is-public") this.active = true;
    switch (message.type) {
      case "hello":
        if (this.channel.greet(message.version, this.seat, this.owner.epoch)) this.owner.onStateChange(this);
        break;
      case "ready":
        this.address = message.address;
        this.wants = message.wants;
        this.announced = true;
        this.becomeReady();
        break;
      case "is-public":
        this.send({ type: "public", seq: message.seq, yes: this.owner.isPublic(message.address) });
        break;
      case "closing":
        this.announced = false;
        if (this.currentState === "ready") this.transition("draining");
        break;
      case "accepted":
        this.handoff.accepted(message.seq);
        break;
      case "refused":
        this.handoff.refused(message.seq);
        break;
      case "load":
        this.noteLoad(message);
        break;
      case "claim":
        this.owner.onClaim(message.id, this);
        this.send({ type: "claimed", seq: message.seq });
        break;
      case "unclaim":
        this.owner.onUnclaim(message.id, this);
        break;
      case "whose":
        this.send({ type: "owner", seq: message.seq, seat: this.owner.ownerOf(message.id)?.seat });
        break;
      case "move":
        this.owner.onMove(this, message.session);
        break;
      case "adopted":
        this.owner.onAdopted(this, message.sid, message.ok);
        break;
      case "drained":
        this.draining.finish();
        break;
      default:
        this.owner.onRelay(this, message, bytes);
    }
  }

  private noteLoad({ sessions, connections, forwarded, closed }: Extract<ToPrimary, { type: "load" }>): void {
    const less = sessions < this.sessions || connections < this.connections;
    this.sessions = sessions;
    this.connections = connections;
    this.forwarded = forwarded;
    if (less) this.draining.progress(sessions);
    if (closed > this.handoverCounts.closed)
      this.handoverCounts.count("closed", closed - this.handoverCounts.closed);
  }

  /**
   * A worker with a bundled adapter, but with our sticky server, has a link and says by itself when it is ready; its
   * connections are handed over in our language.
   */
  private handleOfficial(message: OfficialMessage): void {
    const ofAdapter = "source" in message;
    if (!ofAdapter && this.address !== undefined) return;
    if (!this.official) {
      this.official = new OfficialWorker(this.worker);
      this.owner.log.info(describe("STICKY_IPC_LEGACY", this.name));
    }
    if (!this.announced && !(ofAdapter && this.channel.isOpen)) {
      this.announced = true;
      this.becomeReady();
    }
    if ("source" in message) {
      this.owner.onOfficialRelay(this, message);
    } else if (message.type === "sticky:connection") {
      this.sessions++;
      this.owner.onClaim(message.data, this);
    } else {
      this.sessions--;
      this.owner.onUnclaim(message.data, this);
    }
  }
}
