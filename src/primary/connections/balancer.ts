// SPDX-License-Identifier: MIT
import type { BalancingMethod } from "../../config";

/** Chooses a worker by the method that the app has configured. It remembers only whose turn it is. */
export class Balancer {
  private turn = 0;

  constructor(
    readonly method: BalancingMethod,
    private readonly random: () => number = Math.random,
  ) {}

  /**
   * Chooses one of these workers; `undefined` if there are none. With "least-connection", equally
   * loaded ones take turns.
   */
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
    // The next turn is that of the worker behind the chosen one. If turns went on without regard to the choice, a
    // worker behind some loaded ones would get their turns in addition to its own.
    this.turn = chosen + 1;
    return workers[chosen];
  }
}
