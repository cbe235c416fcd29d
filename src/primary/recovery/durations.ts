// SPDX-License-Identifier: MIT

/** What the adapter of a server with connection state recovery says about the server's sessions, in milliseconds. */
interface Duration {
  /** For how long a session that has lost its client can be restored. */
  ms: number;
  /** After how long a client that does not answer a ping is lost. */
  pongMs: number;
}

/**
 * For how long lost sessions can be restored. Each adapter says that for its Socket.IO server; if the servers of a
 * scope differ, the longest time counts. It still counts when the scope has no worker any more, because the sessions
 * wait for the process that replaces the worker. Pure; the clock comes from outside.
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

  /** The adapter turns out to belong to another scope. */
  move(uid: string, scope: number): void {
    const adapter = this.byAdapter.get(uid);
    if (adapter) this.add(uid, scope, adapter.ms, adapter.pongMs);
  }

  /** For how long the sessions of a scope can be restored. */
  of(scope: number): number {
    return this.byScope.get(scope)?.ms ?? 0;
  }

  /**
   * After how long a client of a scope that answers no ping is taken for lost; infinite if that is not known any more.
   */
  pongOf(scope: number): number {
    return this.byScope.get(scope)?.pongMs ?? Number.POSITIVE_INFINITY;
  }

  /** The longest times of all scopes. */
  get longest(): Duration {
    let longest: Duration = { ms: 0, pongMs: 0 };
    for (const duration of this.byScope.values()) longest = longer(longest, duration);
    return longest;
  }

  /**
   * To be called from time to time. A time that no adapter asks for any more makes way for a shorter one that some
   * adapter asks for. A scope without adapters is forgotten when none of its sessions can be restored any more.
   */
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
