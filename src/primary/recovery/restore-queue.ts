// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";
import { RESTORE_QUEUE_WAIT_MS } from "../../protocol/timing";
import type { Waiter } from "./surrenders";

/** So much may be done in one turn of the event loop, in bytes that are told: some milliseconds. */
const COST_PER_TURN = 4 * 1024 * 1024;
/** What a session and a packet cost besides their bytes. */
export const SESSION_COST = 10_000;
export const PACKET_COST = 200;
/** How often a worker is looked at that has no room. */
const LOOK_AGAIN_MS = 10;

/**
 * Sessions that are not restored at once, so that many that come back together hold up neither the event loop nor, by what
 * they have missed, the link of a worker. They are restored in the order in which their clients came to that worker.
 */
export class RestoreQueue<W> {
  private readonly waiting = new Map<W, { waiter: Waiter<W>; deadline: number }[]>();
  private spent = 0;
  /** Whether more would have been done if it had not been too much for the turn. */
  private ranOut = false;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param restore returns false if the worker has no room for the answer yet
   * @param onGiveUp it has waited for long enough
   */
  constructor(
    private readonly clock: Clock,
    private readonly restore: (waiter: Waiter<W>) => boolean,
    private readonly onGiveUp: (waiter: Waiter<W>) => void,
  ) {}

  close(): void {
    clearTimeout(this.timer);
    this.waiting.clear();
  }

  /** The worker is gone. */
  left(worker: W): void {
    this.waiting.delete(worker);
  }

  /** Restores the session now or, if others wait or too much was done in this turn, later. */
  add(waiter: Waiter<W>): void {
    const entry = { waiter, deadline: this.clock.now() + RESTORE_QUEUE_WAIT_MS };
    const others = this.waiting.get(waiter.worker);
    if (others) {
      others.push(entry);
    } else {
      this.waiting.set(waiter.worker, [entry]);
      this.goOnWith(waiter.worker);
    }
  }

  /** Something was done for a session. */
  spend(cost: number): void {
    if (this.spent === 0) this.clock.nextTurn(this.nextTurn);
    this.spent += cost;
  }

  private readonly nextTurn = () => {
    this.spent = 0;
    if (!this.ranOut) return;
    this.ranOut = false;
    this.goOn();
  };

  private goOn(): void {
    for (const worker of [...this.waiting.keys()]) this.goOnWith(worker);
  }

  private goOnWith(worker: W): void {
    const queue = this.waiting.get(worker)!;
    while (queue.length > 0) {
      if (this.spent >= COST_PER_TURN) {
        this.ranOut = true;
        return;
      }
      const { waiter, deadline } = queue[0]!;
      if (this.clock.now() > deadline) this.onGiveUp(waiter);
      else if (!this.restore(waiter)) {
        this.lookAgain();
        return;
      }
      queue.shift();
    }
    this.waiting.delete(worker);
  }

  private lookAgain(): void {
    this.timer ??= this.clock.after(LOOK_AGAIN_MS, () => {
      this.timer = undefined;
      this.goOn();
    });
  }
}
