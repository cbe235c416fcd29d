// SPDX-License-Identifier: MIT

import type { Clock } from "../../clock";
import type { ToPrimary } from "../../protocol/messages";
import { keyIn, type NamespacedKey } from "../../protocol/room-key";
import { SURRENDER_TIMEOUT_MS, SURRENDERED_SESSION_WAIT_MS } from "../../protocol/timing";
import type { StoredSession } from "./recovery-store";

/** What a worker calls a session by. */
export interface NamedSession {
  scope: number;
  nsp: string;
  sid: string;
}

/** A worker that a session's client came to. */
export interface Waiter<W> {
  worker: W;
  request: Extract<ToPrimary, { type: "restore" }>;
}

/**
 * Sessions whose client came back before their worker noticed that it was away:
 *
 *     live ──restore from elsewhere──▶ asked for ──surrendered, timeout──▶ free: the latest waiter gets it
 *
 * If the client comes back several times in quick succession, its latest connection counts. Which one that is, is not
 * certain: a worker that is slow may ask for a connection that is closed already, after the one that lives. So the
 * others go on waiting for a while, and get the session if the latest loses it.
 */
export class Surrenders<W> {
  private readonly waiting = new Map<
    StoredSession<W>,
    Map<W, { waiter: Waiter<W>; timer: NodeJS.Timeout }>
  >();
  private readonly asked = new Map<StoredSession<W>, NodeJS.Timeout>();
  /** How often a worker was asked to give a session up and has not answered: what it says of it is of the past. */
  private readonly owing = new Map<StoredSession<W>, Map<W, number>>();
  /** The same sessions by name; there are two of a name if an id is used again. */
  private readonly owingByName = new Map<NamespacedKey, Set<StoredSession<W>>>();

  /**
   * @param onFree nobody has the session any more that was asked for; also if it was not given up in time
   * @param onGiveUp the waiter has waited for long enough, or for an older connection than another of its worker
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

  /** Whether its worker was asked to give up the session, and still has time for it. */
  isAsked(session: StoredSession<W>): boolean {
    return this.asked.has(session);
  }

  /** Whether what the worker says of the session is of the present. */
  mayStillSpeak(session: StoredSession<W>, worker: W): boolean {
    const owed = this.owing.get(session)?.get(worker) ?? 0;
    // Asked once and awaited: these are its last words on it. Otherwise they are of an earlier time.
    return owed === 0 || (owed === 1 && this.asked.has(session));
  }

  /** Returns whether the session's worker has to be asked now. */
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

  /** The waiter that came last; it waits no more. */
  takeLatest(session: StoredSession<W>): Waiter<W> | undefined {
    const latest = this.waitersFor(session).at(-1);
    if (latest) this.remove(session, latest.worker);
    return latest;
  }

  /** All waiters, as they came; they wait no more. */
  takeAll(session: StoredSession<W>): Waiter<W>[] {
    const waiters = this.waitersFor(session);
    for (const { worker } of waiters) this.remove(session, worker);
    return waiters;
  }

  /** The worker has nothing more to say of the session for once. */
  surrendered(worker: W, named: NamedSession): void {
    for (const session of [...(this.owingByName.get(nameOf(named)) ?? [])]) {
      const workers = this.owing.get(session)!;
      const owed = workers.get(worker) ?? 0;
      if (owed > 1) workers.set(worker, owed - 1);
      else if (owed === 1) this.forgive(session, workers, worker);
    }
  }

  /** The worker is gone: it neither waits nor answers. */
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
