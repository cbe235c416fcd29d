// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";
import { describe } from "../../errors";
import { debug, type Log } from "../../log";
import { stampScope } from "../../protocol/codec";
import type { MovedSession, OfScope, Publish, ToPrimary } from "../../protocol/messages";
import { EVERYBODY, type RoomKey } from "../../protocol/room-key";
import { Recovery, type RecoveryLimits } from "../recovery/recovery";
import type { OfficialMessage } from "../workers/official-worker";
import type { WorkerHandle } from "../workers/worker-handle";
import { Adapters } from "./adapters";
import { Interest } from "./interest";
import { type Assignment, Scopes } from "./scopes";
import { TurnQueue } from "./turn-queue";

/** A frame that waits to be routed. */
interface Frame {
  from: WorkerHandle;
  message: ToPrimary;
  bytes: Buffer;
  time: number;
}

/** A scope that does not exist: the numbers of scopes begin with 1. */
const NO_SCOPE = 0;
/** How long workers may have different numbers of servers at one path before a line in the log says so. */
const DISAGREEMENT_MS = 10_000;
/** The messages that a worker sends about a Socket.IO server only if that has a client, or is about to have one. */
const OF_CLIENTS: ReadonlySet<OfScope["type"]> = new Set(["interest", "session-open", "restore"]);

/**
 * Passes packets, and the messages of adapters, between the workers of one app. Payloads are never decoded. A frame
 * leaves as the bytes in which it came, except for the number of its scope (each worker counts its servers in its own
 * way) and the order of a packet that is kept.
 *
 * Frames are routed one turn of the event loop after they were read (see {@link TurnQueue}), but interest counts as
 * soon as it is read. So a client that was told that it has joined a room gets whatever is broadcast to the room after
 * that: before its worker told the client, it had written the interest to its link, and by the time the broadcast is
 * routed that has been read.
 */
export class Relay {
  readonly scopes = new Scopes<WorkerHandle>();
  private readonly adapters = new Adapters<WorkerHandle>();
  private readonly interest = new Interest<WorkerHandle>();
  readonly recovery: Recovery<WorkerHandle>;
  /** The time of the last frame of each worker that named one. */
  private readonly lastTimes = new WeakMap<WorkerHandle, number>();
  private readonly queue = new TurnQueue<Frame>();
  /** Whether the end of the turn has been arranged for; see `endTurnLater`. */
  private turnEnds = false;
  private disagreementTimer: NodeJS.Timeout | undefined;
  /** Paths at which it was reported that workers have different numbers of servers; that is reported once. */
  private readonly reported = new Set<string>();

  constructor(
    private readonly workers: ReadonlySet<WorkerHandle>,
    private readonly clock: Clock,
    private readonly log: Log,
    limits: RecoveryLimits,
  ) {
    const onRevived: ConstructorParameters<typeof Recovery<WorkerHandle>>[1] = (worker, session) => {
      const { scope, nsp, rooms } = session;
      for (const room of [EVERYBODY, ...rooms.keys()]) this.interest.expect(worker, scope, nsp, room);
    };
    this.recovery = new Recovery(limits, onRevived, clock);
  }

  close(): void {
    clearTimeout(this.disagreementTimer);
    this.recovery.close();
  }

  handle(from: WorkerHandle, message: ToPrimary, bytes: Buffer): void {
    switch (message.type) {
      case "scope-open": {
        const changes = this.scopes.open(from, message.scope, message.path, message.address);
        if (typeof changes === "string") from.channel.refuse(changes);
        else this.assign(changes);
        break;
      }
      case "scope-address":
        this.assign(this.scopes.setAddress(from, message.scope, message.address));
        break;
      case "scope-close": {
        const scope = this.scopes.globalOf(from, message.scope);
        if (scope !== undefined) this.interest.forgetScope(from, scope);
        this.assign(this.scopes.close(from, message.scope));
        break;
      }
      default:
        if (!("scope" in message)) this.handleInApp(from, message, bytes, 0);
        else {
          const { scope: local } = message;
          if (this.translate(from, message, bytes)) this.handleInApp(from, message, bytes, local);
        }
    }
  }

  /**
   * Puts the number of the scope in place of the worker's own number of its server, in the message and in the frame.
   * Returns false if that server is closed: what was said about it is of no use to anybody any more.
   */
  private translate(from: WorkerHandle, message: OfScope, bytes: Buffer): boolean {
    const scope = this.scopes.globalOf(from, message.scope);
    if (scope === undefined) {
      const { type, scope: local } = message;
      if (!this.scopes.isKnown(from, local)) from.channel.refuse(`"${type}" of the unknown scope ${local}`);
      return false;
    }
    if (message.type === "cast" || message.type === "publish") stampScope(bytes, scope);
    else if (OF_CLIENTS.has(message.type)) this.scopes.use(from, message.scope);
    message.scope = scope;
    return true;
  }

  /** The session with the scope's number in place of the worker's; with that of no scope, if the server is closed. */
  inApp(worker: WorkerHandle, session: MovedSession): MovedSession {
    return { ...session, scope: this.scopes.globalOf(worker, session.scope) ?? NO_SCOPE };
  }

  /** Handles a message that names the scope as the whole app does; `local` is the worker's own number for it. */
  private handleInApp(from: WorkerHandle, message: ToPrimary, bytes: Buffer, local: number): void {
    switch (message.type) {
      case "interest": {
        const { scope, nsp, joined, left } = message;
        for (const room of joined) this.interest.join(from, scope, nsp, room);
        for (const room of left) this.interest.leave(from, scope, nsp, room);
        break;
      }
      case "settled":
        for (const room of message.rooms) this.interest.settle(from, message.scope, message.nsp, room);
        break;
      case "adapter-open":
        this.openAdapter(from, message, local);
        break;
      default:
        this.endTurnLater();
        this.queue.push({ from, message, bytes, time: this.timeOf(from, message) });
    }
  }

  /**
   * Tells workers to which scopes their servers belong, before anything of these scopes is relayed to them. If a server
   * was in another scope before, the worker has no interest there any more.
   */
  private assign(changes: readonly Assignment<WorkerHandle>[]): void {
    for (const { worker, former } of changes)
      if (former !== undefined) this.interest.forgetScope(worker, former);
    for (const { worker, local, global, former } of changes) {
      debug("%s: its Socket.IO server %d is of scope %d", worker.name, local, global);
      worker.send({ type: "scope", scope: local, global });
      if (former === undefined) continue;
      for (const uid of this.adapters.move(worker, local, global)) this.recovery.move(uid, global);
    }
    this.endTurnLater();
    this.watchAgreement();
  }

  private openAdapter(
    from: WorkerHandle,
    { uid, scope, nsp, recoverableMs, pongMs }: Extract<ToPrimary, { type: "adapter-open" }>,
    local: number,
  ): void {
    if (!this.adapters.add(from, uid, local, scope, nsp)) return;
    if (recoverableMs !== undefined) this.recovery.enable(uid, scope, recoverableMs, pongMs ?? 0);
    this.endTurnLater();
  }

  /**
   * Reports paths at which workers have different numbers of servers, once nothing has changed for a while: while
   * workers start and make their servers one after the other, they differ for a moment.
   */
  private watchAgreement(): void {
    clearTimeout(this.disagreementTimer);
    this.disagreementTimer = this.clock.after(DISAGREEMENT_MS, () => {
      for (const { path, least, most } of this.scopes.disagreements()) {
        if (this.reported.has(path)) continue;
        this.reported.add(path);
        this.log.error(describe("STICKY_SCOPES", path, least, most));
      }
    });
  }

  /** A worker is gone. The others are told, so that they do not wait for its answers. */
  left(gone: WorkerHandle): void {
    // First what the worker sent before it died, which the queue may still hold.
    for (const frame of this.queue.takeAll()) this.route(frame);
    this.interest.forget(gone);
    this.recovery.left(gone);
    for (const uid of this.adapters.left(gone)) this.recovery.disable(uid);
    this.scopes.left(gone);
    this.tellPeers();
    this.watchAgreement();
  }

  private tellPeers(): void {
    for (const [worker, changes] of this.adapters.takeChanges()) worker.send({ type: "adapters", changes });
  }

  /**
   * When a frame was emitted. Not every frame says so; one that does not counts as emitted together with the worker's
   * last frame that did. So the frames of one worker stay in their order.
   */
  private timeOf(from: WorkerHandle, message: ToPrimary): number {
    const said = message.type === "cast" ? message.time : "at" in message ? message.at : undefined;
    const last = this.lastTimes.get(from) ?? 0;
    if (said === undefined || said <= last) return last;
    this.lastTimes.set(from, said);
    return said;
  }

  /**
   * Has {@link routeDue} run once at the end of this turn, however often this is called. If it ran twice in one turn,
   * the second run would route frames that arrived in this very turn, although each has to wait for a whole one.
   */
  private endTurnLater(): void {
    if (this.turnEnds) return;
    this.turnEnds = true;
    this.clock.nextTurn(this.routeDue);
  }

  private readonly routeDue = () => {
    this.turnEnds = false;
    const due = this.queue.take();
    if (!this.queue.isEmpty) this.endTurnLater();
    for (const frame of due) this.route(frame);
    this.tellPeers();
  };

  private route({ from, message, bytes }: Frame): void {
    if (message.type === "respond") {
      this.adapters.workerOf(message.uid)?.channel.relay(bytes, false);
    } else if (message.type === "cast") {
      // A packet that is kept is delivered everywhere in the primary's order. Its emitter does not know that order, so
      // it waits for this message before it writes the packet to its own clients.
      if (message.time !== undefined) from.send({ type: "kept", order: this.recovery.keep(message, bytes) });
      const { scope, target } = message;
      for (const worker of this.membersOf(scope, target.nsp, target.rooms)) {
        if (worker !== from) worker.channel.relay(bytes, message.volatile);
      }
    } else if (message.type === "publish") {
      this.publish(from, message, bytes);
    } else if (message.type === "adapter-close") {
      // This waited in the queue like the adapter's answers, so the others get those before they hear that it is gone.
      if (this.adapters.remove(from, message.uid)) this.recovery.disable(message.uid);
    } else {
      this.recovery.handle(from, message);
    }
  }

  private publish(from: WorkerHandle, message: Publish, bytes: Buffer): void {
    const { scope, nsp, joins = [], asks, seq } = message;
    const members = asks && new Set(this.membersOf(scope, nsp, asks));
    const receivers = new Map<string, WorkerHandle>();
    for (const { uid, worker } of this.adapters.others(from, scope, nsp)) {
      if (members?.has(worker) !== false) receivers.set(uid, worker);
    }
    if (seq !== undefined) from.send({ type: "asked", seq, uids: [...receivers.keys()] });
    for (const worker of new Set(receivers.values())) {
      for (const room of joins) this.interest.expect(worker, scope, nsp, room);
      worker.channel.relay(bytes, false);
    }
  }

  private membersOf(scope: number, nsp: string, rooms: readonly RoomKey[]): Iterable<WorkerHandle> {
    return this.interest.in(scope, nsp, rooms.length > 0 ? rooms : [EVERYBODY]);
  }

  /**
   * Relays a message of a worker that speaks the protocol of the official adapter to the other workers that do: an
   * answer to the worker that asked, anything else to all.
   */
  handleOfficial(from: WorkerHandle, message: OfficialMessage): void {
    if (!("source" in message)) return;
    from.official?.learn(message.uid);
    const { requesterUid } = message;
    for (const worker of this.workers) {
      if (worker === from) continue;
      if (requesterUid === undefined || worker.official?.has(requesterUid)) worker.official?.relay(message);
    }
  }
}
