// SPDX-License-Identifier: MIT

/** What the adapter of a server with recovery says of the server's sessions, in milliseconds. */
interface Duration {
  /** For how long a lost one can be restored. */
  ms: number;
  /** After how long a client that does not answer a ping is lost. */
  pongMs: number;
}

/**
 * For how long lost sessions can be restored. Each adapter says that for its Socket.IO server; the longest counts of those
 * that a scope has in different workers. It goes on counting when the last worker of the scope is gone: the next process
 * of that worker wants its sessions. Pure; the clock comes from outside.
 */
export class Durations {
  private readonly byAdapter = new Map<string, Duration & { scope: number }>();
  private readonly byScope = new Map<number, Duration & { lastSeenMs: number }>();

  constructor(private readonly now: () => number) {}

  add(uid: string, scope: number, ms: number, pongMs: number): void {
    this.byAdapter.set(uid, { scope, ms, pongMs });
    this.byScope.set(scope, { ...longer({ ms, pongMs }, this.byScope.get(scope)), lastSeenMs: this.now() });
  }

  delete(uid: string): void {
    const adapter = this.byAdapter.get(uid);
    const duration = adapter && this.byScope.get(adapter.scope);
    if (duration) duration.lastSeenMs = this.now();
    this.byAdapter.delete(uid);
  }

  /** The adapter turns out to be of another scope. */
  move(uid: string, scope: number): void {
    const adapter = this.byAdapter.get(uid);
    if (adapter) this.add(uid, scope, adapter.ms, adapter.pongMs);
  }

  /** For how long sessions of a scope can be restored. */
  of(scope: number): number {
    return this.byScope.get(scope)?.ms ?? 0;
  }

  /** After how long a client of a scope that does not answer is lost; it may be any time if nobody says so any more. */
  pongOf(scope: number): number {
    return this.byScope.get(scope)?.pongMs ?? Number.POSITIVE_INFINITY;
  }

  /** The longest of all scopes. */
  get longest(): Duration {
    let longest: Duration = { ms: 0, pongMs: 0 };
    for (const duration of this.byScope.values()) longest = longer(longest, duration);
    return longest;
  }

  /** A longer time that no adapter asks for any more counts no more; a scope is forgotten with its last session. */
  update(): void {
    const asked = new Map<number, Duration>();
    for (const adapter of this.byAdapter.values()) {
      asked.set(adapter.scope, longer(adapter, asked.get(adapter.scope)));
    }
    const now = this.now();
    for (const [scope, duration] of asked) this.byScope.set(scope, { ...duration, lastSeenMs: now });
    for (const [scope, { ms, lastSeenMs }] of this.byScope) {
      if (now - lastSeenMs > ms) this.byScope.delete(scope);
    }
  }
}

/** The longer times of both. */
function longer({ ms, pongMs }: Duration, other: Duration = { ms: 0, pongMs: 0 }): Duration {
  return { ms: Math.max(ms, other.ms), pongMs: Math.max(pongMs, other.pongMs) };
}
