// SPDX-License-Identifier: MIT
import type { Socket } from "node:net";
import { debug } from "../../log";
import { handleOf, stopReading } from "../../node-internals";
import type { MovedSession } from "../../protocol/messages";
import type { Arrival } from "../connections/arrival";
import type { WorkerHandle } from "../workers/worker-handle";

/**
 * A session on its way from one worker to another:
 *
 *     announced (`move`) ──and its socket is here, if it has one──▶ offered ──adopted──▶ moved
 *        │                                                            ├──its new worker died──▶ offered to the next
 *        └──no ready worker, refused, too many attempts───────────────┴──▶ failed: its client reconnects and recovers
 */
interface Move {
  from: WorkerHandle;
  session: MovedSession | undefined;
  socket: Socket | undefined;
  to: WorkerHandle | undefined;
  attempts: number;
}

export interface HandoverOwner {
  /** A worker other than `from` that can take the session: it is ready, and has a server of the session's scope. */
  pick(from: WorkerHandle, session: MovedSession): WorkerHandle | undefined;
  /** From now on requests of the session go to this worker. */
  claim(sessionId: string, worker: WorkerHandle): void;
  unclaim(sessionId: string, worker: WorkerHandle): void;
}

const MAX_ATTEMPTS = 3;
const NO_BYTES = Buffer.alloc(0);

/**
 * Moves live sessions between the workers of one app. The primary passes their sockets on, and never reads from them.
 */
export class Handover {
  private readonly moves = new Map<string, Move>();

  constructor(private readonly owner: HandoverOwner) {}

  /** The old worker has given up the session, and says all that another one has to know about it. */
  announce(from: WorkerHandle, session: MovedSession): void {
    const move = this.moveOf(session.sid, from);
    move.session = session;
    this.next(session.sid, move);
  }

  /**
   * The session's socket has come. It travels over the IPC channel, so it may come before or after the announcement.
   */
  bring(from: WorkerHandle, sid: string, socket: Socket): void {
    const move = this.moveOf(sid, from);
    move.socket = socket;
    // What the client sends now is for the worker that gets the socket next, so it must stay in the kernel.
    stopReading(socket);
    socket.on("error", () => {});
    this.next(sid, move);
  }

  adopted(by: WorkerHandle, sid: string, ok: boolean): void {
    const move = this.moves.get(sid);
    if (move?.to !== by) return;
    if (ok) {
      move.from.handoverCounts.count("moved");
      this.end(sid, move, by);
    } else {
      this.fail(sid, move);
    }
  }

  /**
   * A worker is gone. Sessions that were offered to it are offered to another one. Sessions that it was giving up are
   * lost if only their socket or only their announcement has come.
   */
  left(gone: WorkerHandle): void {
    for (const [sid, move] of [...this.moves]) {
      if (move.to === gone) {
        // If the worker had accepted the socket, the primary has closed its own handle, and the connection is gone.
        if (!move.socket || handleOf(move.socket)) this.next(sid, move);
        else this.fail(sid, move);
      } else if (move.from === gone && !move.to) {
        this.fail(sid, move);
      }
    }
  }

  /** The worker to which the session was offered did not take its connection. Outdated answers do not count. */
  returned({ session, attempts }: Arrival): void {
    const move = session && this.moves.get(session.sid);
    if (move && move.attempts === attempts) this.next(session.sid, move);
  }

  private moveOf(sid: string, from: WorkerHandle): Move {
    const known = this.moves.get(sid);
    if (known?.from === from) return known;
    // The worker that was to take this session gives it up already. So it has taken it, but this socket has overtaken
    // its message `adopted`, which travels on the link.
    if (known?.to === from) this.adopted(from, sid, true);
    else if (known) this.fail(sid, known);
    const move: Move = { from, session: undefined, socket: undefined, to: undefined, attempts: 0 };
    this.moves.set(sid, move);
    from.draining.sessionLeft();
    return move;
  }

  private next(sid: string, move: Move): void {
    const { session, socket } = move;
    if (!session || (session.transport === "websocket" && !socket)) return;
    this.withdraw(sid, move);
    const to = move.attempts++ < MAX_ATTEMPTS ? this.owner.pick(move.from, session) : undefined;
    if (!to) {
      this.fail(sid, move);
      return;
    }
    move.to = to;
    debug("session %s moves from %s to %s", sid, move.from.name, to.name);
    to.arriving++;
    this.owner.claim(sid, to);
    if (socket) to.offer({ socket, head: NO_BYTES, attempts: move.attempts, session }, undefined);
    else to.send({ type: "adopt", session });
  }

  private fail(sid: string, move: Move): void {
    move.from.handoverCounts.count("failed");
    move.socket?.destroy();
    this.withdraw(sid, move);
    this.end(sid, move, undefined);
  }

  /** Takes the session back from the worker to which it was offered. */
  private withdraw(sid: string, move: Move): void {
    if (!move.to) return;
    move.to.arriving--;
    this.owner.unclaim(sid, move.to);
    move.to = undefined;
  }

  private end(sid: string, move: Move, to: WorkerHandle | undefined): void {
    if (to) to.arriving--;
    this.moves.delete(sid);
    move.from.send({ type: "moved", sid, seat: to?.seat });
    move.from.draining.sessionSettled();
  }
}
