// SPDX-License-Identifier: MIT

/**
 * For how long lost sessions can be restored. Each adapter says that for its Socket.IO server; the longest counts of those
 * that a scope has in different workers. It goes on counting when the last worker of the scope is gone: the next process
 * of that worker wants its sessions. Pure; the clock comes from outside.
 */
export class Durations {
  private readonly byAdapter = new Map<string, { scope: number; ms: number }>();
  private readonly byScope = new Map<number, { ms: number; lastSeenMs: number }>();

  constructor(private readonly now: () => number) {}

  add(uid: string, scope: number, ms: number): void {
    this.byAdapter.set(uid, { scope, ms });
    this.byScope.set(scope, { ms: Math.max(ms, this.of(scope)), lastSeenMs: this.now() });
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
    if (adapter) this.add(uid, scope, adapter.ms);
  }

  /** For how long sessions of a scope can be restored. */
  of(scope: number): number {
    return this.byScope.get(scope)?.ms ?? 0;
  }

  /** The longest time of all scopes. */
  get longest(): number {
    let longest = 0;
    for (const { ms } of this.byScope.values()) longest = Math.max(longest, ms);
    return longest;
  }

  /** A longer time that no adapter asks for any more counts no more; a scope is forgotten with its last session. */
  update(): void {
    const asked = new Map<number, number>();
    for (const { scope, ms } of this.byAdapter.values())
      asked.set(scope, Math.max(ms, asked.get(scope) ?? 0));
    const now = this.now();
    for (const [scope, ms] of asked) this.byScope.set(scope, { ms, lastSeenMs: now });
    for (const [scope, { ms, lastSeenMs }] of this.byScope)
      if (now - lastSeenMs > ms) this.byScope.delete(scope);
  }
}
