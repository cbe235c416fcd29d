// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";

/** A set whose members expire, each the same time after it was added. One timer serves all of them. */
export class AgedSet<T> {
  private readonly since = new Map<T, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly maxAgeMs: number,
    private readonly onExpired: (member: T) => void,
  ) {}

  get size(): number {
    return this.since.size;
  }

  /** Adds a member. If it is there already, its time begins anew. */
  add(member: T): void {
    this.since.delete(member);
    this.since.set(member, this.clock.now());
    if (!this.timer) this.schedule(this.maxAgeMs);
  }

  delete(member: T): boolean {
    return this.since.delete(member);
  }

  /** All members, oldest first. */
  values(): T[] {
    return [...this.since.keys()];
  }

  /** Removes and returns the oldest member. */
  shift(): T | undefined {
    for (const member of this.since.keys()) {
      this.since.delete(member);
      return member;
    }
    return undefined;
  }

  /** Removes and returns all members, oldest first. */
  clear(): T[] {
    const members = [...this.since.keys()];
    this.since.clear();
    clearTimeout(this.timer);
    this.timer = undefined;
    return members;
  }

  private schedule(delayMs: number): void {
    this.timer = this.clock.after(delayMs, () => this.expire());
  }

  private expire(): void {
    this.timer = undefined;
    const now = this.clock.now();
    try {
      for (const [member, since] of this.since) {
        if (since + this.maxAgeMs > now) break;
        this.since.delete(member);
        this.onExpired(member);
      }
    } finally {
      // Also if the callback has thrown: the others are not to stay for ever.
      const [oldest] = this.since.values();
      if (oldest !== undefined && !this.timer) this.schedule(Math.max(0, oldest + this.maxAgeMs - now));
    }
  }
}
