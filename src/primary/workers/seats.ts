// SPDX-License-Identifier: MIT
import { type Seat, SLOT_LIMIT, seatOf, slotOf } from "../../protocol/session-id";

/**
 * Gives each process of an app its seat: a slot, and a generation that is one higher for each new process of that slot.
 * When the generations start again at 0, those that are still in use are left out.
 */
export class Seats {
  private readonly taken = new Set<Seat>();
  private readonly slotOfKey = new Map<string, number>();
  private readonly nextGeneration: number[] = [];

  /**
   * @param slotKey what is the same for a process and for the one that replaces it. Processes with the same key get the
   *   same slot, even while the old process is still there. Without a key the lowest free slot is taken.
   */
  take(slotKey?: string): Seat {
    const slot = this.slotFor(slotKey);
    let seat: Seat;
    do {
      const generation = this.nextGeneration[slot] ?? 0;
      this.nextGeneration[slot] = (generation + 1) % SLOT_LIMIT;
      seat = seatOf(slot, generation);
    } while (this.taken.has(seat));
    this.taken.add(seat);
    return seat;
  }

  leave(seat: Seat): void {
    this.taken.delete(seat);
  }

  private slotFor(slotKey: string | undefined): number {
    const known = slotKey === undefined ? undefined : this.slotOfKey.get(slotKey);
    if (known !== undefined) return known;
    const inUse = new Set([...this.taken].map(slotOf));
    let slot = 0;
    while (inUse.has(slot)) slot++;
    if (slot >= SLOT_LIMIT) throw new RangeError(`an app can have at most ${SLOT_LIMIT} workers`);
    if (slotKey !== undefined) {
      // The process that had this slot before is gone. If a process with its key comes back, it gets another slot.
      for (const [other, otherSlot] of this.slotOfKey) if (otherSlot === slot) this.slotOfKey.delete(other);
      this.slotOfKey.set(slotKey, slot);
    }
    return slot;
  }
}
