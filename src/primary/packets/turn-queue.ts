// SPDX-License-Identifier: MIT

/** Something that was read from a link. */
export interface Timed {
  /** When it was emitted, on a clock that all processes share; 0 if unknown. */
  readonly time: number;
}

/**
 * Puts what is read from several links into an order that respects cause and effect. Links are read one after the
 * other, so that an effect may be read before its cause. But whatever was written before an item was read is read by the
 * end of the next turn of the event loop. So items wait for one turn; then they leave in the order of their times,
 * together with what was read meanwhile and is older. Pure: who calls {@link take} once a turn makes the turns.
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

  /** Ends a turn: returns what has waited for one. */
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

  /** Everything, at once, in order. */
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
