// SPDX-License-Identifier: MIT
import type { Peer } from "../../protocol/messages";
import { type Seat, seatOfSessionId } from "../../protocol/session-id";
import type { WorkerLink } from "../link/link";
import type { Sessions } from "./sessions";

/** The primary answers at once; a request does not wait longer to learn whose it is. */
const WHOSE_TIMEOUT_MS = 2000;

/** Where a session is: here, at a peer, or not known yet; `undefined` in the end means nowhere else. */
export type Place = "here" | Peer | Promise<Peer | undefined>;

/**
 * Which worker has which session, as far as this one knows it. A session is here if this worker has it; else its id
 * names its worker, unless it has moved; else the primary knows.
 *
 *     here ──leave()──▶ leaving (requests wait) ──moved──▶ at a peer (the primary knows)
 *       ▲                  └──stay()──▶ here, or over
 *       └──────── arriving (requests wait) ◀──hold()── elsewhere
 */
export class Whereabouts {
  private peers = new Map<Seat, Peer>();
  /** The other workers that take new work. */
  ready: Peer[] = [];
  private readonly arriving = new Map<string, Promise<undefined>>();
  private readonly leaving = new Map<
    string,
    { settled: Promise<Peer | undefined>; settle(peer?: Peer): void }
  >();
  private readonly questions = new Map<number, (seat: Seat | undefined) => void>();
  private nextSeq = 1;

  constructor(
    private readonly link: WorkerLink,
    private readonly sessions: Sessions,
  ) {
    link.on("peers", ({ peers }) => {
      this.peers = new Map(peers.map((peer) => [peer.seat, peer]));
      this.ready = peers.filter((peer) => peer.ready && peer.seat !== link.seat);
    });
    link.on("moved", ({ sid, seat }) =>
      this.stay(sid, seat === undefined ? undefined : this.peers.get(seat)),
    );
    link.on("owner", ({ seq, seat }) => this.answer(seq, seat));
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
  stay(sessionId: string, peer?: Peer): void {
    this.leaving.get(sessionId)?.settle(peer);
    this.leaving.delete(sessionId);
  }

  private ask(id: string): Promise<Peer | undefined> {
    const seq = this.nextSeq++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.answer(seq, undefined), WHOSE_TIMEOUT_MS);
      this.questions.set(seq, (seat) => {
        clearTimeout(timer);
        // If it is this worker, the session may be on its way here: that was said before the answer.
        if (seat === undefined || seat === this.link.seat) resolve(this.arriving.get(id));
        else resolve(this.peers.get(seat));
      });
      this.link.send({ type: "whose", seq, id });
    });
  }

  private answer(seq: number, seat: Seat | undefined): void {
    const then = this.questions.get(seq);
    this.questions.delete(seq);
    then?.(seat);
  }
}
