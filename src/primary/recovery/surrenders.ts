// SPDX-License-Identifier: MIT

import type { Clock } from "../../clock";
import type { ToPrimary } from "../../protocol/messages";
import { keyIn, type NamespacedKey } from "../../protocol/room-key";
import { SURRENDER_TIMEOUT_MS, SURRENDERED_SESSION_WAIT_MS } from "../../protocol/timing";
import type { StoredSession } from "./recovery-store";

/** How a worker names a session. */
export interface NamedSession {
  scope: number;
  nsp: string;
  sid: string;
}

/** A worker to which a session's client has come back, with its request to restore the session. */
export interface Waiter<W> {
  worker: W;
  request: Extract<ToPrimary, { type: "restore" }>;
}

/**
 * Sessions whose client has come back, at any worker, before their own worker noticed that it was away:
 *
 *     live ──restore from elsewhere──▶ asked for ──surrendered, timeout──▶ free: the latest waiter gets it
 *
 * A client may come back several times in quick succession, to different workers. Only its latest connection is alive,
 * and the session is for that one. But the worker that asked last need not have the latest connection: a slow worker
 * may ask late, for a connection that is closed already. So the others go on waiting for a while. When the slow worker
 * notices that the connection is closed and loses the session again, the latest of the others gets it.
 */
export class Surrenders<W> {
  private readonly waiting = new Map<
    StoredSession<W>,
    Map<W, { waiter: Waiter<W>; timer: NodeJS.Timeout }>
  >();
  private readonly asked = new Map<StoredSession<W>, NodeJS.Timeout>();
  /**
   * How many times each worker was asked to give up a session and has not answered yet (`surrendered`).
   *
   * A worker that is too slow to answer in time loses the session to another worker. It may get the same session back
   * before it has come to answer. What it says about the session until its answer, that it is lost for example, is then
   * about the earlier time, and must not be taken for news about the present.
   */
  private readonly owing = new Map<StoredSession<W>, Map<W, number>>();
  /** The same sessions by name. Two of them have the same name if the id of a session that is over was used again. */
  private readonly owingByName = new Map<NamespacedKey, Set<StoredSession<W>>>();

  /**
   * @param onFree is called when a session that was asked for was given up, or was not given up in time
   * @param onGiveUp is called when a waiter has waited for too long, or when the same client has come
   *   to the same worker again
   */
  constructor(
    private readonly clock: Clock,
    private readonly onFree: (session: StoredSession<W>) => void,
    private readonly onGiveUp: (waiter: Waiter<W>) => void,
  ) {}

  close(): void {
    for (const timer of this.asked.values()) clearTimeout(timer);
    for (const waiters of this.waiting.values())
      for (const { timer } of waiters.values()) clearTimeout(timer);
  }

  /** Whether the session's worker was asked to give it up, and still has time for that. */
  isAsked(session: StoredSession<W>): boolean {
    return this.asked.has(session);
  }

  /** Whether what a worker says now about a session counts; if not, it is about an earlier time (see `owing`). */
  mayStillSpeak(session: StoredSession<W>, worker: W): boolean {
    const owed = this.owing.get(session)?.get(worker) ?? 0;
    // If the worker was asked just once and is still waited for, it is telling the last of what it knows: that counts.
    return owed === 0 || (owed === 1 && this.asked.has(session));
  }

  /**
   * A client has come back to a session that is still live. Returns whether the session's worker has to be asked now.
   */
  addWaiter(session: StoredSession<W>, waiter: Waiter<W>): boolean {
    const waiters = this.waiting.get(session) ?? new Map();
    const former = waiters.get(waiter.worker);
    const giveUp = () => {
      this.remove(session, waiter.worker);
      this.onGiveUp(waiter);
    };
    if (former) {
      this.remove(session, waiter.worker);
      this.onGiveUp(former.waiter);
    }
    this.waiting.set(
      session,
      waiters.set(waiter.worker, { waiter, timer: this.clock.after(SURRENDERED_SESSION_WAIT_MS, giveUp) }),
    );
    if (this.asked.has(session)) return false;
    this.expect(session, session.worker!);
    return true;
  }

  /** Removes and returns the waiter that came last. */
  takeLatest(session: StoredSession<W>): Waiter<W> | undefined {
    const latest = this.waitersFor(session).at(-1);
    if (latest) this.remove(session, latest.worker);
    return latest;
  }

  /** Removes and returns all waiters, in the order in which they came. */
  takeAll(session: StoredSession<W>): Waiter<W>[] {
    const waiters = this.waitersFor(session);
    for (const { worker } of waiters) this.remove(session, worker);
    return waiters;
  }

  /** A worker has answered one request to give up a session. */
  surrendered(worker: W, named: NamedSession): void {
    for (const session of [...(this.owingByName.get(nameOf(named)) ?? [])]) {
      const workers = this.owing.get(session)!;
      const owed = workers.get(worker) ?? 0;
      if (owed > 1) workers.set(worker, owed - 1);
      else if (owed === 1) this.forgive(session, workers, worker);
    }
  }

  /** A worker is gone: it waits for no session any more, and answers no request. */
  left(worker: W): void {
    for (const session of [...this.waiting.keys()]) this.remove(session, worker);
    for (const [session, workers] of [...this.owing]) {
      if (workers.has(worker)) this.forgive(session, workers, worker);
    }
  }

  private expect(session: StoredSession<W>, worker: W): void {
    this.asked.set(
      session,
      this.clock.after(SURRENDER_TIMEOUT_MS, () => this.free(session)),
    );
    const owing = this.owing.get(session) ?? new Map<W, number>();
    this.owing.set(session, owing.set(worker, (owing.get(worker) ?? 0) + 1));
    const name = nameOf(session);
    this.owingByName.set(name, (this.owingByName.get(name) ?? new Set()).add(session));
  }

  private forgive(session: StoredSession<W>, workers: Map<W, number>, worker: W): void {
    workers.delete(worker);
    if (workers.size === 0) {
      this.owing.delete(session);
      const namesakes = this.owingByName.get(nameOf(session));
      namesakes?.delete(session);
      if (namesakes?.size === 0) this.owingByName.delete(nameOf(session));
    }
    if (session.worker === worker || session.worker === undefined) this.free(session);
  }

  private free(session: StoredSession<W>): void {
    const timer = this.asked.get(session);
    if (!timer) return;
    clearTimeout(timer);
    this.asked.delete(session);
    this.onFree(session);
  }

  private waitersFor(session: StoredSession<W>): Waiter<W>[] {
    return [...(this.waiting.get(session)?.values() ?? [])].map(({ waiter }) => waiter);
  }

  private remove(session: StoredSession<W>, worker: W): void {
    const waiters = this.waiting.get(session);
    const timer = waiters?.get(worker)?.timer;
    if (!waiters || !timer) return;
    clearTimeout(timer);
    waiters.delete(worker);
    if (waiters.size === 0) this.waiting.delete(session);
  }
}

function nameOf({ scope, nsp, sid }: NamedSession): NamespacedKey {
  return keyIn(scope, nsp, sid);
}
