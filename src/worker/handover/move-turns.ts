// SPDX-License-Identifier: MIT

/**
 * Lets a limited number of sessions move at the same time. The others wait for their turn in the order in
 * which they came, behind those that go first: sessions from which nothing is read any more, and those that
 * had a turn but could not use it.
 */
export class MoveTurns {
  private readonly waiting: (() => void)[] = [];
  private readonly first: (() => void)[] = [];

  constructor(private free: number) {}

  take(goesFirst: boolean): Promise<void> {
    if (this.free > 0) {
      this.free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => (goesFirst ? this.first : this.waiting).push(resolve));
  }

  release(): void {
    const next = this.first.shift() ?? this.waiting.shift();
    if (next) next();
    else this.free++;
  }
}
