// SPDX-License-Identifier: MIT
import type { Peer } from "../../protocol/messages";
import { type Seat, seatOfSessionId } from "../../protocol/session-id";
import { QUESTION_TIMEOUT_MS } from "../../protocol/timing";
import type { WorkerLink } from "../link/link";
import type { EngineSocket } from "../socket-io/objects";
import type { Sessions } from "./sessions";

/**
 * Where a session is. A promise means that it is not known yet; if it resolves to `undefined`, no other
 * worker has it.
 */
export type Place = "here" | Peer | Promise<Peer | undefined>;

/**
 * Where sessions are, as far as this worker knows. One that is live in this process is here. The id of any
 * other names the worker that opened it, but the session may have moved since; then the primary knows where
 * it is.
 *
 *     here ──leave()──▶ leaving (requests wait) ──settle()──▶ at a peer (the primary knows)
 *       ▲                  └──not moved──▶ here, or over
 *       └──────── arriving (requests wait) ◀──hold()── elsewhere
 */
export class Whereabouts {
  private peers = new Map<Seat, Peer>();
  ready: Peer[] = [];
  /** See {@link Sessions.listenerOf}. */
  listenerOf(conn: EngineSocket): number | undefined {
    return this.sessions.listenerOf(conn);
  }

  /** Whether any of them can take over sessions. */
  get canMove(): boolean {
    return this.ready.some(({ servers }) => servers.some(({ paths }) => paths.length > 0));
  }

  private readonly arriving = new Map<string, Promise<undefined>>();
  private readonly leaving = new Map<
    string,
    { settled: Promise<Peer | undefined>; settle(peer?: Peer): void }
  >();

  constructor(
    private readonly link: WorkerLink,
    private readonly sessions: Sessions,
  ) {
    link.on("peers", ({ peers }) => {
      this.peers = new Map(peers.map((peer) => [peer.seat, peer]));
      this.ready = peers.filter((peer) => peer.ready && peer.seat !== link.seat);
    });
    link.on("moved", ({ sid, seat }) =>
      this.settle(sid, seat === undefined ? undefined : this.peers.get(seat)),
    );
  }

  /**
   * Finds the worker that has a session.
   *
   * @param trustsId whether the request may go to the worker that the session's id names. It may not if
   *   another worker has sent it here, or if that worker could not be reached. For example, a session of A
   *   has moved to B and on to C: A sends its request to B, and if B trusted the id it would send it back to
   *   A.
   * @param isEngineRequest whether the request is one of Engine.IO's. Others may have a parameter `sid` as
   *   well, which means something to the app alone; for those the primary is not asked.
   */
  locate(sessionId: string, trustsId: boolean, isEngineRequest: boolean): Place {
    const motion = this.leaving.get(sessionId)?.settled ?? this.arriving.get(sessionId);
    if (motion) return motion;
    if (this.sessions.has(sessionId)) return "here";
    const seat = seatOfSessionId(sessionId);
    const peer = seat === undefined || seat === this.link.seat ? undefined : this.peers.get(seat);
    // A worker that is not ready may be giving up its sessions and about to exit. So the primary is asked
    // instead.
    if (peer && trustsId && (peer.ready || !isEngineRequest)) return peer;
    return isEngineRequest ? this.ask(sessionId) : "here";
  }

  /** The session is about to move here. Its requests wait until the returned function is called. */
  hold(sessionId: string): () => void {
    let release = () => {};
    const arrived = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined);
    });
    this.arriving.set(sessionId, arrived);
    return () => {
      this.arriving.delete(sessionId);
      release();
    };
  }

  /**
   * Whether the session is being taken over at the moment; until that is done it must not be given up again.
   */
  isArriving(sessionId: string): boolean {
    return this.arriving.has(sessionId);
  }

  /**
   * The session is about to move away. Its requests wait until it is known where it went, and are sent there.
   * The promise resolves at that moment.
   */
  leave(sessionId: string): Promise<Peer | undefined> {
    this.sessions.forget(sessionId);
    let settle: (peer?: Peer) => void = () => {};
    const settled = new Promise<Peer | undefined>((resolve) => {
      settle = resolve;
    });
    this.leaving.set(sessionId, { settled, settle });
    return settled;
  }

  /** The session has moved to `peer`, or does not move after all. */
  settle(sessionId: string, peer?: Peer): void {
    this.leaving.get(sessionId)?.settle(peer);
    this.leaving.delete(sessionId);
  }

  private ask(id: string): Promise<Peer | undefined> {
    return this.link.ask(
      { type: "whose", id },
      QUESTION_TIMEOUT_MS,
      (answer): Peer | Promise<undefined> | undefined => {
        const seat = answer?.seat;
        // If the answer names this worker, or none, the session may be about to arrive here: the primary told
        // us to adopt it before it answered. Then the request waits for that.
        if (seat === undefined || seat === this.link.seat) return this.arriving.get(id);
        return this.peers.get(seat);
      },
    );
  }
}
