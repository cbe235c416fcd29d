// SPDX-License-Identifier: MIT

/** So many sessions may be on their way at once; the others wait for their turn, in order, except for those who may go first. */
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
