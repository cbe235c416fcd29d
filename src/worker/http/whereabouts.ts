// SPDX-License-Identifier: MIT
import type { Peer } from "../../protocol/messages";
import { type Seat, seatOfSessionId } from "../../protocol/session-id";
import { QUESTION_TIMEOUT_MS } from "../../protocol/timing";
import type { WorkerLink } from "../link/link";
import type { Sessions } from "./sessions";

/** Where a session is: here, at a peer, or not known yet; `undefined` in the end means nowhere else. */
export type Place = "here" | Peer | Promise<Peer | undefined>;

/**
 * Which worker has which session, as far as this one knows it. A session is here if this worker has it; else its id
 * names its worker, unless it has moved; else the primary knows.
 *
 *     here ──leave()──▶ leaving (requests wait) ──settle()──▶ at a peer (the primary knows)
 *       ▲                  └──not moved──▶ here, or over
 *       └──────── arriving (requests wait) ◀──hold()── elsewhere
 */
export class Whereabouts {
  private peers = new Map<Seat, Peer>();
  /** The other workers that take new work. */
  ready: Peer[] = [];
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
   * @param trustsId whether the worker that the id names may be believed to have it: not if that worker sent us here
   * @param isEngineRequest whether it is worth asking: a `sid` of the app's own is nobody's session
   */
  locate(sessionId: string, trustsId: boolean, isEngineRequest: boolean): Place {
    const motion = this.leaving.get(sessionId)?.settled ?? this.arriving.get(sessionId);
    if (motion) return motion;
    if (this.sessions.has(sessionId)) return "here";
    const seat = seatOfSessionId(sessionId);
    const peer = seat === undefined || seat === this.link.seat ? undefined : this.peers.get(seat);
    // One that gives up its sessions may be about to exit.
    if (peer && trustsId && (peer.ready || !isEngineRequest)) return peer;
    return isEngineRequest ? this.ask(sessionId) : "here";
  }

  /** The session moves here: its requests wait until the returned function is called. */
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

  /** Whether the session is on its way here, and not to be touched. */
  isArriving(sessionId: string): boolean {
    return this.arriving.has(sessionId);
  }

  /** The session moves away: its requests follow it as soon as it is known where to, which the promise tells. */
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
        // If it is this worker, the session may be on its way here: that was said before the answer.
        if (seat === undefined || seat === this.link.seat) return this.arriving.get(id);
        return this.peers.get(seat);
      },
    );
  }
}
