// SPDX-License-Identifier: MIT

/** Something that was read from a link. */
export interface Timed {
  /** When it was emitted, on a clock that all processes share; 0 if that is not known. */
  readonly time: number;
}

/**
 * Puts what is read from several links into an order in which each cause comes before its effect.
 *
 * Links are read one after the other, so an effect may be read before its cause. Worker A emits a packet, a client of
 * worker B gets it and answers, and B emits another packet; but B's link happens to be read before A's. A's packet had
 * been written before B's was read, though, and whatever is written by then has been read at the end of the next turn
 * of the event loop. So each item waits for one turn. Then all that have waited leave in the order of their times,
 * together with what was read meanwhile but is older. Pure: whoever uses it calls {@link take} at the end of each turn.
 */
export class TurnQueue<T extends Timed> {
  /** Read in the turn before this one. */
  private waiting: T[] = [];
  /** Read in this turn. */
  private fresh: T[] = [];

  get isEmpty(): boolean {
    return this.waiting.length === 0 && this.fresh.length === 0;
  }

  push(item: T): void {
    this.fresh.push(item);
  }

  /**
   * Ends a turn: returns what has waited for one. If none of that has a time, as in an app without connection state
   * recovery, nothing has to be sorted (benchmark row `relay`).
   */
  take(): T[] {
    const due = this.waiting;
    let latest = 0;
    for (const { time } of due) if (time > latest) latest = time;
    if (latest === 0) {
      this.waiting = this.fresh;
      this.fresh = [];
      return due;
    }
    this.waiting = [];
    for (const item of this.fresh) {
      (item.time > 0 && item.time < latest ? due : this.waiting).push(item);
    }
    this.fresh = [];
    return inOrder(due);
  }

  /** Returns everything in order, without waiting for the end of a turn. */
  takeAll(): T[] {
    const due = inOrder([...this.waiting, ...this.fresh]);
    this.waiting = [];
    this.fresh = [];
    return due;
  }
}

function inOrder<T extends Timed>(items: T[]): T[] {
  return items.sort((a, b) => a.time - b.time);
}
