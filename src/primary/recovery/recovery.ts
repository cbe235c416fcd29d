// SPDX-License-Identifier: MIT
import { randomBytes } from "node:crypto";
import type { Clock } from "../../clock";
import { stampCast } from "../../protocol/codec";
import type { Cast, NotRestored, ToPrimary, ToWorker } from "../../protocol/messages";
import { orderOfOffset } from "../../protocol/offset";
import { Durations } from "./durations";
import { type MissedPacket, PacketLog } from "./packet-log";
import { RecoveryStore, type StoredSession } from "./recovery-store";
import { PACKET_COST, RestoreQueue, SESSION_COST } from "./restore-queue";
import { type NamedSession, Surrenders, type Waiter } from "./surrenders";

/** What recovery needs of a worker. */
export interface RecoveringWorker {
  send(message: ToWorker): void;
  /** How many bytes it can be sent in one message, now and at most, so that there is room left for everything else. */
  readonly capacity: { now: number; most: number };
}

export interface RecoveryLimits {
  /** How many bytes of packets are kept, and as many again of sessions without a client. */
  maxBytes: number;
  /** How many sessions without a client are kept. */
  maxSessions: number;
}

const EXPIRE_INTERVAL_MS = 1000;

/**
 * Connection state recovery of one app. It puts the packets in order, keeps them and the sessions, and restores a
 * session on the worker to which its client comes back. The answer to that worker travels on the same link as all
 * packets, so a packet is either in the answer or follows it, and none is lost or comes twice.
 *
 * A client that comes back names the last packet that it has received. In a quiet room that packet may be so old that
 * the log does not reach back to it. But a client that is alive answers pings, and its connection keeps the order of
 * what is sent: with each answer the client has received all that was sent before the ping. One that was live until it
 * was lost has answered within `pongMs`. So what was sent more than `pongMs` before it was lost counts as received.
 */
export class Recovery<W extends RecoveringWorker> {
  private readonly log: PacketLog;
  private readonly sessions: RecoveryStore<W>;
  /** What the offsets of this app begin with. By it offsets from before a restart of the primary are recognised. */
  readonly epoch = randomBytes(3).toString("base64url");
  private readonly surrenders: Surrenders<W>;
  private readonly queue: RestoreQueue<W>;
  private readonly durations: Durations;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param onRevived is called before a session is restored on a worker, so that from then on its
   *   packets are sent there
   */
  constructor(
    limits: RecoveryLimits,
    private readonly onRevived: (worker: W, session: StoredSession<W>) => void,
    private readonly clock: Clock,
  ) {
    this.durations = new Durations(clock.now);
    this.log = new PacketLog(limits.maxBytes, clock.now);
    this.sessions = new RecoveryStore(limits.maxSessions, limits.maxBytes, clock.now);
    this.surrenders = new Surrenders(
      clock,
      (session) => this.freed(session),
      (waiter) => this.refuse(waiter, "unknown"),
    );
    this.queue = new RestoreQueue(
      clock,
      (waiter) => this.restore(waiter),
      (waiter) => this.refuse(waiter, "unknown"),
    );
  }

  get stats(): { sessions: number; packets: number; bytes: number; evicted: number } {
    const { log, sessions } = this;
    return {
      ...{ sessions: sessions.size, packets: log.size },
      bytes: log.bytes + sessions.bytes,
      evicted: log.evicted + sessions.evicted,
    };
  }

  /** An adapter was opened whose sessions can be restored for `recoverableMs`. */
  enable(uid: string, scope: number, recoverableMs: number, pongMs: number): void {
    this.durations.add(uid, scope, recoverableMs, pongMs);
    if (this.timer) return;
    this.timer = this.clock.every(EXPIRE_INTERVAL_MS, () => {
      this.durations.update();
      const { ms, pongMs } = this.durations.longest;
      this.log.expire(ms + pongMs + EXPIRE_INTERVAL_MS);
      this.sessions.expire(ms);
    });
  }

  /** The adapter turns out to belong to another scope. */
  move(uid: string, scope: number): void {
    this.durations.move(uid, scope);
  }

  /** The adapter is gone. */
  disable(uid: string): void {
    this.durations.delete(uid);
  }

  close(): void {
    clearInterval(this.timer);
    this.surrenders.close();
    this.queue.close();
  }

  /** Appends a packet to the log, and writes its order into its frame. Returns the order. */
  keep({ scope, target, payload }: Cast, frame: Buffer): number {
    const order = this.log.append(scope, target, payload);
    stampCast(frame, order);
    return order;
  }

  /** Handles what a worker tells about a session. Returns false if the message was about something else. */
  handle(worker: W, message: ToPrimary): boolean {
    switch (message.type) {
      case "session-open":
        this.sessions.open(worker, message, this.log.last);
        return true;
      case "session-rooms": {
        const session = this.live(worker, message);
        if (!session) return true;
        for (const room of message.joined) session.rooms.set(room, this.log.last);
        for (const room of message.left) this.sessions.leaveRoom(session, room, this.log.last);
        return true;
      }
      case "session-data": {
        const session = this.live(worker, message);
        if (session) session.data = message.data;
        return true;
      }
      case "session-lost": {
        const session = this.live(worker, message);
        if (session) {
          session.data = message.data;
          this.lose(session);
          this.serve(session);
        }
        return true;
      }
      case "session-over": {
        const session = this.live(worker, message);
        if (session) {
          this.sessions.forget(session);
          this.serve(session);
        }
        return true;
      }
      case "surrendered":
        this.surrenders.surrendered(worker, message);
        return true;
      case "restore":
        this.queue.add({ worker, request: message });
        return true;
      default:
        return false;
    }
  }

  /** The worker is gone: its sessions are lost, in the state that it told last. */
  left(worker: W): void {
    const lost = [...this.sessions.of(worker)];
    for (const session of lost) this.lose(session);
    this.queue.left(worker);
    this.surrenders.left(worker);
    for (const session of lost) this.serve(session);
  }

  /** The session that a worker speaks of; `undefined` if that is not, or not any more, this worker's to speak of. */
  private live(worker: W, { scope, nsp, sid }: NamedSession): StoredSession<W> | undefined {
    const session = this.sessions.get(worker, scope, nsp, sid);
    return session && this.surrenders.mayStillSpeak(session, worker) ? session : undefined;
  }

  private lose(session: StoredSession<W>): void {
    // The client was live until now, so what was sent until `heardMs` counts as received; see above.
    const heardMs = this.clock.now() - this.durations.pongOf(session.scope);
    if (session.aliveSinceMs < heardMs) {
      session.heardOrder = Math.max(session.heardOrder, this.log.orderAt(heardMs));
    }
    this.sessions.lose(session);
  }

  /**
   * Answers a client that has come back, or has it wait. Returns false if there is no room for the
   * answer on the link yet.
   */
  private restore(waiter: Waiter<W>): boolean {
    const { scope, nsp, pid } = waiter.request;
    const found = this.sessions.find(scope, nsp, pid);
    const session = typeof found === "string" || this.isInTime(found) ? found : "expired";
    if (typeof session === "string") this.refuse(waiter, session);
    else if (session.worker || this.surrenders.isAsked(session)) this.takeOver(session, waiter);
    else return this.answer(waiter, session);
    return true;
  }

  private isInTime({ worker, lostAtMs, scope }: StoredSession<W>): boolean {
    return worker !== undefined || lostAtMs >= this.clock.now() - this.durations.of(scope);
  }

  /**
   * The client has come back before its worker noticed that it was away. The session is still live there, and that
   * worker has to give it up first.
   */
  private takeOver(session: StoredSession<W>, waiter: Waiter<W>): void {
    const from = session.worker;
    const mustAsk = this.surrenders.addWaiter(session, waiter);
    const { scope, nsp, sid } = session;
    if (mustAsk) from!.send({ type: "surrender", scope, nsp, sid });
  }

  /**
   * A session that was asked for was given up; or it was not, in time, and then it is as if its worker had been killed.
   */
  private freed(session: StoredSession<W>): void {
    if (session.worker) this.lose(session);
    this.serve(session);
  }

  /** A session has become lost or is over: answers those who wait for it. */
  private serve(session: StoredSession<W>): void {
    if (session.worker || this.surrenders.isAsked(session)) return;
    if (this.sessions.find(session.scope, session.nsp, session.pid) === session) {
      const latest = this.surrenders.takeLatest(session);
      if (latest) this.queue.add(latest);
    } else {
      for (const waiter of this.surrenders.takeAll(session)) this.queue.add(waiter);
    }
  }

  private answer(waiter: Waiter<W>, session: StoredSession<W>): boolean {
    const { worker, request } = waiter;
    const { seq, offset } = request;
    // The place may be one from before the session was opened: a worker that has just started, and has not heard of any
    // packet yet, names 0 when it moves a session. Nothing from before the opening was missed.
    const named = offset === "" ? 0 : orderOfOffset(this.epoch, offset);
    const told = named === undefined ? undefined : Math.max(named, session.openedAt);
    const order = told === undefined || this.log.reaches(told) ? told : Math.max(told, session.heardOrder);
    const missed =
      order !== undefined && this.log.reaches(order) ? this.missedSince(order, session) : undefined;
    const own = SESSION_COST + session.data.length;
    const bytes = missed?.reduce((sum, { payload }) => sum + PACKET_COST + payload.length, own) ?? 0;
    this.queue.spend(bytes);
    if (!missed || bytes > worker.capacity.most) {
      this.sessions.forget(session, "evicted");
      this.refuse(waiter, "evicted");
      this.serve(session);
      return true;
    }
    if (bytes > worker.capacity.now) return false;
    this.sessions.revive(session, worker);
    this.onRevived(worker, session);
    const { scope, nsp, sid, pid, data } = session;
    worker.send({
      type: "restored",
      seq,
      session: { scope, nsp, sid, pid, rooms: [...session.rooms.keys()], data },
      order: this.log.last,
      missed,
    });
    return true;
  }

  private missedSince(order: number, session: StoredSession<W>): MissedPacket[] {
    session.past = session.past.filter(({ until }) => until > order);
    return this.log.since(order, session.scope, session.nsp, session.rooms, session.past);
  }

  private refuse({ worker, request }: Waiter<W>, reason: NotRestored): void {
    worker.send({ type: "restored", seq: request.seq, reason, missed: [] });
  }
}
