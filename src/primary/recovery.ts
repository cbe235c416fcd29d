// SPDX-License-Identifier: MIT
import { randomBytes } from "node:crypto";
import { stampCast } from "../protocol/codec";
import type { Cast, NotRestored, ToPrimary, ToWorker } from "../protocol/messages";
import { orderOfOffset } from "../protocol/offset";
import { PacketLog } from "./packet-log";
import { RecoveryStore, type StoredSession } from "./recovery-store";

/** What recovery needs of a worker. */
export interface RecoveringWorker {
  send(message: ToWorker): void;
}

export interface RecoveryLimits {
  /** Bytes of packets that are kept. */
  maxBytes: number;
  /** Sessions without a client that are kept. */
  maxSessions: number;
}

type Restore = Extract<ToPrimary, { type: "restore" }>;

/** A worker that a session's client came to. */
interface Waiter<W> {
  worker: W;
  request: Restore;
}

interface Surrender<W> {
  /** `undefined` if it died meanwhile. */
  waiter: Waiter<W> | undefined;
  timer: NodeJS.Timeout;
}

/** How long a worker may take to give up a session whose client came back elsewhere. */
const SURRENDER_TIMEOUT_MS = 1000;
const EXPIRE_INTERVAL_MS = 1000;

/**
 * Connection state recovery of one app: puts the packets in order, keeps them and the sessions, and restores a session
 * on the worker that its client came to. A restored session is answered in the stream of that worker's link, so that
 * the packets which follow are those that the answer does not contain.
 *
 * A client that came back tells the last packet it has received; in a quiet room that may be long ago, longer than the
 * log reaches. But a client that lives answers pings, and with each pong it has received all that was sent before: what
 * was sent `pongMs` before the session was lost cannot be missing.
 */
export class Recovery<W extends RecoveringWorker> {
  private readonly log: PacketLog;
  private readonly sessions: RecoveryStore<W>;
  /** Offsets of another primary mean nothing here. */
  readonly epoch = randomBytes(3).toString("base64url");
  /** Who waits for a session that another worker has yet to give up. */
  private readonly surrenders = new Map<StoredSession<W>, Surrender<W>>();
  /** How often a worker was asked to give a session up and has not answered: what it says of it is of the past. */
  private readonly owing = new Map<StoredSession<W>, Map<W, number>>();
  /** The same sessions by name; there are two of a name if an id is used again. */
  private readonly owingByName = new Map<string, Set<StoredSession<W>>>();
  private maxAgeMs = 0;
  private pongMs = 0;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param onRevived called before a session is restored on a worker: its packets go there from now on
   * @param now the clock
   */
  constructor(
    limits: RecoveryLimits,
    private readonly onRevived: (worker: W, session: StoredSession<W>) => void,
    private readonly now: () => number = Date.now,
  ) {
    this.log = new PacketLog(limits.maxBytes, now);
    this.sessions = new RecoveryStore(limits.maxSessions, now);
  }

  get stats(): { sessions: number; packets: number; bytes: number; evicted: number } {
    const { bytes, evicted, size } = this.log;
    return { sessions: this.sessions.size, packets: size, bytes, evicted: evicted + this.sessions.evicted };
  }

  /** An adapter whose sessions can be restored for so long. */
  enable(recoverableMs: number, pongMs: number): void {
    this.maxAgeMs = Math.max(this.maxAgeMs, recoverableMs);
    this.pongMs = Math.max(this.pongMs, pongMs);
    if (this.timer) return;
    this.timer = setInterval(() => {
      this.log.expire(this.maxAgeMs + this.pongMs + EXPIRE_INTERVAL_MS);
      this.sessions.expire(this.maxAgeMs);
    }, EXPIRE_INTERVAL_MS);
    this.timer.unref();
  }

  close(): void {
    clearInterval(this.timer);
    for (const { timer } of this.surrenders.values()) clearTimeout(timer);
  }

  /** Puts a packet in its place, and its place into its frame; returns it. */
  keep({ target, payload }: Cast, frame: Buffer): number {
    const order = this.log.append(target, payload);
    stampCast(frame, order);
    return order;
  }

  /** Returns whether the message was about a session. */
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
        }
        return true;
      }
      case "session-over": {
        const session = this.live(worker, message);
        if (session) this.sessions.forget(session);
        return true;
      }
      case "surrendered":
        this.surrendered(worker, message);
        return true;
      case "restore":
        this.restore(worker, message);
        return true;
      default:
        return false;
    }
  }

  /** The worker is gone: its sessions are as it last told. */
  left(worker: W): void {
    const heard = this.heardByNow();
    for (const session of [...this.sessions.of(worker)]) this.lose(session, heard);
    for (const surrender of this.surrenders.values()) {
      if (surrender.waiter?.worker === worker) surrender.waiter = undefined;
    }
    for (const [session, workers] of [...this.owing]) {
      if (workers.has(worker)) this.forgive(session, workers, worker);
    }
  }

  /** The session that a worker speaks of, if it has it still. */
  private live(worker: W, { nsp, sid }: { nsp: string; sid: string }): StoredSession<W> | undefined {
    const session = this.sessions.get(worker, nsp, sid);
    const owed = session && (this.owing.get(session)?.get(worker) ?? 0);
    // Asked once and awaited: these are its last words on it. Otherwise they are of an earlier time.
    return owed === 0 || (owed === 1 && this.surrenders.has(session!)) ? session : undefined;
  }

  private lose(session: StoredSession<W>, heard = this.heardByNow()): void {
    if (session.aliveSinceMs < heard.atMs) session.heardOrder = Math.max(session.heardOrder, heard.order);
    this.sessions.lose(session);
  }

  /** The last packet that a client has received for certain which was live until now, and when that was sent. */
  private heardByNow(): { atMs: number; order: number } {
    const atMs = this.now() - this.pongMs;
    return { atMs, order: this.log.orderAt(atMs) };
  }

  private restore(worker: W, request: Restore): void {
    const session = this.sessions.find(request.nsp, request.pid);
    if (typeof session === "string") this.refuse(worker, request, session);
    else if (session.worker || this.surrenders.has(session)) this.takeOver(session, { worker, request });
    else this.answer(worker, request, session);
  }

  /** The client is faster than the server, which has not noticed its absence. */
  private takeOver(session: StoredSession<W>, waiter: Waiter<W>): void {
    const surrender = this.surrenders.get(session);
    if (surrender) {
      // It came back once more: its latest connection counts.
      if (surrender.waiter) this.refuse(surrender.waiter.worker, surrender.waiter.request, "unknown");
      surrender.waiter = waiter;
      return;
    }
    const from = session.worker!;
    const timer = setTimeout(() => this.settle(session), SURRENDER_TIMEOUT_MS);
    this.surrenders.set(session, { waiter, timer });
    const owing = this.owing.get(session) ?? new Map<W, number>();
    this.owing.set(session, owing.set(from, (owing.get(from) ?? 0) + 1));
    const name = nameOf(session);
    this.owingByName.set(name, (this.owingByName.get(name) ?? new Set()).add(session));
    from.send({ type: "surrender", nsp: session.nsp, sid: session.sid });
  }

  private surrendered(worker: W, named: { nsp: string; sid: string }): void {
    for (const session of [...(this.owingByName.get(nameOf(named)) ?? [])]) {
      const workers = this.owing.get(session)!;
      const owed = workers.get(worker) ?? 0;
      if (owed > 1) workers.set(worker, owed - 1);
      else if (owed === 1) this.forgive(session, workers, worker);
    }
  }

  /** The worker has nothing more to say of the session. */
  private forgive(session: StoredSession<W>, workers: Map<W, number>, worker: W): void {
    workers.delete(worker);
    if (workers.size === 0) {
      this.owing.delete(session);
      const namesakes = this.owingByName.get(nameOf(session));
      namesakes?.delete(session);
      if (namesakes?.size === 0) this.owingByName.delete(nameOf(session));
    }
    if (session.worker === worker || session.worker === undefined) this.settle(session);
  }

  /** Whoever waits for the session gets it: also from a worker that does not answer, as if it had been killed. */
  private settle(session: StoredSession<W>): void {
    const surrender = this.surrenders.get(session);
    if (!surrender) return;
    clearTimeout(surrender.timer);
    this.surrenders.delete(session);
    if (session.worker) this.lose(session);
    if (!surrender.waiter) return;
    const { worker, request } = surrender.waiter;
    const now = this.sessions.find(request.nsp, request.pid);
    if (typeof now === "string") this.refuse(worker, request, now);
    else this.answer(worker, request, now);
  }

  private answer(worker: W, { seq, offset }: Restore, session: StoredSession<W>): void {
    // A worker that is new may name a place before the session was opened.
    const named = offset === "" ? 0 : orderOfOffset(this.epoch, offset);
    const told = named === undefined ? undefined : Math.max(named, session.openedAt);
    const order = told === undefined || this.log.reaches(told) ? told : Math.max(told, session.heardOrder);
    if (order === undefined || !this.log.reaches(order)) {
      this.sessions.forget(session, "evicted");
      worker.send({ type: "restored", seq, reason: "evicted", missed: [] });
      return;
    }
    session.past = session.past.filter(({ until }) => until > order);
    const missed = this.log.since(order, session.nsp, session.rooms, session.past);
    this.sessions.revive(session, worker);
    this.onRevived(worker, session);
    const { nsp, sid, pid, data } = session;
    worker.send({
      type: "restored",
      seq,
      session: { nsp, sid, pid, rooms: [...session.rooms.keys()], data },
      order: this.log.last,
      missed,
    });
  }

  private refuse(worker: W, { seq }: Restore, reason: NotRestored): void {
    worker.send({ type: "restored", seq, reason, missed: [] });
  }
}

function nameOf({ nsp, sid }: { nsp: string; sid: string }): string {
  return `${nsp}\n${sid}`;
}
