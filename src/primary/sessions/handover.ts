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
  /** The worker that takes the session, if any other than `from` is ready and has a server of its scope. */
  pick(from: WorkerHandle, session: MovedSession): WorkerHandle | undefined;
  /** Whose requests of the session are from now on. */
  claim(sessionId: string, worker: WorkerHandle): void;
  unclaim(sessionId: string, worker: WorkerHandle): void;
}

const MAX_ATTEMPTS = 3;
const NO_BYTES = Buffer.alloc(0);

/** Moving live sessions between the workers of one app. The primary never reads the connection. */
export class Handover {
  private readonly moves = new Map<string, Move>();

  constructor(private readonly owner: HandoverOwner) {}

  /** The old worker has let go of the session. */
  announce(from: WorkerHandle, session: MovedSession): void {
    const move = this.moveOf(session.sid, from);
    move.session = session;
    this.next(session.sid, move);
  }

  /** The session's socket, which travels on another channel than its announcement. */
  bring(from: WorkerHandle, sid: string, socket: Socket): void {
    const move = this.moveOf(sid, from);
    move.socket = socket;
    // Whoever gets the handle next reads from it; nothing is read here.
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

  /** Sessions that were offered to this worker go to another; those of which only half came are lost. */
  left(gone: WorkerHandle): void {
    for (const [sid, move] of [...this.moves]) {
      if (move.to === gone) {
        // A socket that it had accepted is gone with it; the primary's handle is closed then.
        if (!move.socket || handleOf(move.socket)) this.next(sid, move);
        else this.fail(sid, move);
      } else if (move.from === gone && !move.to) {
        this.fail(sid, move);
      }
    }
  }

  /** The worker did not take the connection. */
  returned({ session, attempts }: Arrival): void {
    const move = session && this.moves.get(session.sid);
    if (move && move.attempts === attempts) this.next(session.sid, move);
  }

  private moveOf(sid: string, from: WorkerHandle): Move {
    const known = this.moves.get(sid);
    if (known?.from === from) return known;
    // It gives up what it has just adopted; that it did comes on another channel.
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

  /** The worker that it was offered to does not get it. */
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
