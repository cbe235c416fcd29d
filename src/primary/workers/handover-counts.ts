// SPDX-License-Identifier: MIT

/**
 * What became of a session that its worker gave up. `moved`: it is live on another worker. `closed`: it was closed
 * properly, so that its client reconnects. `failed`: it was lost on the way, or cut off when its worker ended.
 */
export type Outcome = "moved" | "closed" | "failed";

/** How many sessions had which outcome. What is counted for a worker is counted for its app (`whole`), too. */
export class HandoverCounts implements Record<Outcome, number> {
  moved = 0;
  closed = 0;
  failed = 0;

  constructor(private readonly whole?: HandoverCounts) {}

  count(outcome: Outcome, sessions = 1): void {
    this[outcome] += sessions;
    this.whole?.count(outcome, sessions);
  }

  toJSON(): Record<Outcome, number> {
    const { moved, closed, failed } = this;
    return { moved, closed, failed };
  }

  toString(): string {
    return `${this.moved} moved, ${this.closed} closed, ${this.failed} failed`;
  }
}
