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

/** How long a worker may take to give up a session whose client came back elsewhere. */
const SURRENDER_TIMEOUT_MS = 1000;
const EXPIRE_INTERVAL_MS = 1000;

/**
 * Connection state recovery of one app: puts the packets in order, keeps them and the sessions, and restores a session
 * on the worker that its client came to. A restored session is answered in the stream of that worker's link, so that
 * the packets which follow are those that the answer does not contain.
 */
export class Recovery<W extends RecoveringWorker> {
  private readonly log: PacketLog;
  private readonly sessions: RecoveryStore<W>;
  /** Offsets of another primary mean nothing here. */
  readonly epoch = randomBytes(3).toString("base64url");
  private readonly surrenders = new Map<StoredSession<W>, () => void>();
  private maxAgeMs = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param onRevived called before a session is restored on a worker: its packets go there from now on */
  constructor(
    limits: RecoveryLimits,
    private readonly onRevived: (worker: W, session: StoredSession<W>) => void,
  ) {
    this.log = new PacketLog(limits.maxBytes);
    this.sessions = new RecoveryStore(limits.maxSessions);
  }

  get stats(): { sessions: number; packets: number; bytes: number; evicted: number } {
    const { bytes, evicted, size } = this.log;
    return { sessions: this.sessions.size, packets: size, bytes, evicted: evicted + this.sessions.evicted };
  }

  /** An adapter whose sessions can be restored for so long. */
  enable(recoverableMs: number): void {
    this.maxAgeMs = Math.max(this.maxAgeMs, recoverableMs);
    if (this.timer) return;
    this.timer = setInterval(() => {
      this.log.expire(this.maxAgeMs);
      this.sessions.expire(this.maxAgeMs);
    }, EXPIRE_INTERVAL_MS);
    this.timer.unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Puts a packet in its place, and its place into its frame. */
  keep({ target, payload }: Cast, frame: Buffer): void {
    stampCast(frame, this.log.append(target, payload));
  }

  /** Returns whether the message was about a session. */
  handle(worker: W, message: ToPrimary): boolean {
    switch (message.type) {
      case "session-open":
        this.sessions.open(worker, message, this.log.last);
        return true;
      case "session-rooms": {
        const session = this.sessions.get(worker, message.nsp, message.sid);
        for (const room of message.joined) session?.rooms.set(room, this.log.last);
        for (const room of message.left) session?.rooms.delete(room);
        return true;
      }
      case "session-data": {
        const session = this.sessions.get(worker, message.nsp, message.sid);
        if (session) session.data = message.data;
        return true;
      }
      case "session-lost": {
        const session = this.sessions.get(worker, message.nsp, message.sid);
        if (session) {
          session.data = message.data;
          this.lose(session);
        }
        return true;
      }
      case "session-over": {
        const session = this.sessions.get(worker, message.nsp, message.sid);
        if (session) {
          this.sessions.forget(session);
          this.surrenders.get(session)?.();
        }
        return true;
      }
      case "restore":
        this.restore(worker, message);
        return true;
      default:
        return false;
    }
  }

  /** The worker is gone: its sessions are as it last told. */
  left(worker: W): void {
    for (const session of [...this.sessions.of(worker)]) this.lose(session);
  }

  private lose(session: StoredSession<W>): void {
    this.sessions.lose(session);
    this.surrenders.get(session)?.();
  }

  private restore(worker: W, request: Restore): void {
    const session = this.sessions.find(request.nsp, request.pid);
    if (typeof session === "string") {
      this.refuse(worker, request, session);
    } else if (!session.worker) {
      this.answer(worker, request, session);
    } else {
      this.takeFrom(session, () => {
        const now = this.sessions.find(request.nsp, request.pid);
        if (now !== session || session.worker) this.refuse(worker, request, "unknown");
        else this.answer(worker, request, session);
      });
    }
  }

  /** The client is faster than the server that has not noticed its absence. */
  private takeFrom(session: StoredSession<W>, then: () => void): void {
    this.surrenders.get(session)?.();
    const timer = setTimeout(() => done(), SURRENDER_TIMEOUT_MS);
    const done = () => {
      clearTimeout(timer);
      this.surrenders.delete(session);
      then();
    };
    this.surrenders.set(session, done);
    session.worker!.send({ type: "surrender", nsp: session.nsp, sid: session.sid });
  }

  private answer(worker: W, { seq, offset }: Restore, session: StoredSession<W>): void {
    const order = offset === "" ? session.openedAt : orderOfOffset(this.epoch, offset);
    if (order === undefined || !this.log.reaches(order)) {
      this.sessions.forget(session, "evicted");
      worker.send({ type: "restored", seq, reason: "evicted", missed: [] });
      return;
    }
    const missed = this.log.since(order, session.nsp, session.rooms);
    this.sessions.revive(session, worker);
    this.onRevived(worker, session);
    const { nsp, sid, pid, data } = session;
    worker.send({
      type: "restored",
      seq,
      session: { nsp, sid, pid, rooms: [...session.rooms.keys()], data },
      missed,
    });
  }

  private refuse(worker: W, { seq }: Restore, reason: NotRestored): void {
    worker.send({ type: "restored", seq, reason, missed: [] });
  }
}
