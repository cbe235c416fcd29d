// SPDX-License-Identifier: MIT
import { type Seat, seatOfSessionId } from "../../protocol/session-id";

/** Knows which worker has a session: the one whose seat the session's id names, unless another has claimed it. */
export class SessionOwners<W extends { readonly seat: Seat }> {
  private readonly bySeat = new Map<Seat, W>();
  /** The ids that do not name the session's worker: because the app makes its own ids, or because the session moved. */
  private readonly claimed = new Map<string, W>();

  add(worker: W): void {
    this.bySeat.set(worker.seat, worker);
  }

  forget(worker: W): void {
    if (this.bySeat.get(worker.seat) === worker) this.bySeat.delete(worker.seat);
    for (const [id, owner] of this.claimed) if (owner === worker) this.claimed.delete(id);
  }

  of(sessionId: string): W | undefined {
    const claimant = this.claimed.get(sessionId);
    if (claimant) return claimant;
    const seat = seatOfSessionId(sessionId);
    return seat === undefined ? undefined : this.bySeat.get(seat);
  }

  claim(sessionId: string, worker: W): void {
    this.claimed.set(sessionId, worker);
  }

  unclaim(sessionId: string, worker: W): void {
    if (this.claimed.get(sessionId) === worker) this.claimed.delete(sessionId);
  }

  /** The session moves to this worker. If it comes back to the worker that its id names, it needs no claim any more. */
  assign(sessionId: string, worker: W): void {
    if (seatOfSessionId(sessionId) === worker.seat) this.claimed.delete(sessionId);
    else this.claimed.set(sessionId, worker);
  }
}
