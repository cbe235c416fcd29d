// SPDX-License-Identifier: MIT
import type { BalancingMethod } from "../../config";

/** Chooses among workers by their load. Keeps nothing but whose turn it is. */
export class Balancer {
  private turn = 0;

  constructor(
    readonly method: BalancingMethod,
    private readonly random: () => number = Math.random,
  ) {}

  /** `least-connection` takes the smallest load; workers of equal load take turns. */
  pick<W extends { readonly load: number }>(workers: readonly W[]): W | undefined {
    const count = workers.length;
    if (count === 0) return undefined;
    if (this.method === "random") return workers[Math.floor(this.random() * count)];
    const first = this.turn % count;
    if (this.method === "round-robin") {
      this.turn = first + 1;
      return workers[first];
    }
    let chosen = first;
    for (let i = 1; i < count; i++) {
      const at = (first + i) % count;
      if (workers[at]!.load < workers[chosen]!.load) chosen = at;
    }
    // The turn follows the choice, so that a worker between two loaded ones does not get their turns as well.
    this.turn = chosen + 1;
    return workers[chosen];
  }
}
