// SPDX-License-Identifier: MIT

interface Entry<T> {
  item: T;
  /** In which turn of the event loop it was read. */
  turn: number;
  /** When it was emitted, on a clock that all processes share; 0 if unknown. */
  time: number;
}

/**
 * Puts what is read from several links into an order that respects cause and effect. Links are read one after the
 * other, so that an effect may be read before its cause. But whatever was written before an item was read is read by the
 * end of the next turn of the event loop. So items wait for one turn; then they leave in the order of their times,
 * together with what was read meanwhile and is older. Pure: who calls {@link take} once a turn makes the turns.
 */
export class TurnQueue<T> {
  private entries: Entry<T>[] = [];
  private turn = 0;

  get isEmpty(): boolean {
    return this.entries.length === 0;
  }

  push(item: T, time: number): void {
    this.entries.push({ item, time, turn: this.turn });
  }

  /** Ends a turn: returns what has waited for one. */
  take(): T[] {
    const { turn } = this;
    this.turn++;
    if (!this.entries.some((entry) => entry.turn < turn)) return [];
    const latest = this.entries.reduce(
      (max, entry) => (entry.turn < turn ? Math.max(max, entry.time) : max),
      0,
    );
    const isDue = (entry: Entry<T>) => entry.turn < turn || (entry.time > 0 && entry.time < latest);
    const due = this.entries.filter(isDue);
    this.entries = this.entries.filter((entry) => !isDue(entry));
    return due.sort((a, b) => a.time - b.time).map(({ item }) => item);
  }

  /** Everything, at once, in order. */
  takeAll(): T[] {
    const due = this.entries.sort((a, b) => a.time - b.time);
    this.entries = [];
    return due.map(({ item }) => item);
  }
}
