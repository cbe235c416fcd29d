// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";
import { RESTORE_QUEUE_WAIT_MS } from "../../protocol/timing";
import type { Waiter } from "./surrenders";

/** How much may be restored in one turn of the event loop, in bytes of answers. It takes some milliseconds. */
const COST_PER_TURN = 4 * 1024 * 1024;
/** What a session, and a packet, cost in addition to their bytes, as if they were that many bytes longer. */
export const SESSION_COST = 10_000;
export const PACKET_COST = 200;
/** After how long a worker whose link had no room is looked at again. */
const LOOK_AGAIN_MS = 10;

/**
 * Has sessions wait until they are restored, if many clients come back together (benchmark row `restore`). Otherwise
 * they would hold up the event loop, and fill the link of a worker with what they have missed. The sessions of a worker
 * are restored in the order in which their clients came to it.
 */
export class RestoreQueue<W> {
  private readonly waiting = new Map<W, { waiter: Waiter<W>; deadline: number }[]>();
  /** How much was restored in this turn. */
  private spent = 0;
  /** Whether sessions wait because enough was restored in this turn. */
  private ranOut = false;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param restore restores a session; returns false if the worker's link has no room for the answer yet
   * @param onGiveUp is called instead if the session has waited for too long
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

  /** Restores the session: now, or later if others of its worker wait or enough was restored in this turn. */
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

  /** An answer of this cost was made in this turn. */
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
