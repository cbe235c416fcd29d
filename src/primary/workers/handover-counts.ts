// SPDX-License-Identifier: MIT

/**
 * What became of a session that its worker gave up: it is live on another worker, it was closed so that its client
 * comes back by itself, or it was lost on the way or cut off with its worker.
 */
export type Outcome = "moved" | "closed" | "failed";

/** How many sessions had which outcome. Those of a worker count for its app, too. */
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
