// SPDX-License-Identifier: MIT
import { type Seat, SLOT_LIMIT, seatOf, slotOf } from "../../protocol/session-id";

/**
 * Gives each process of an app its seat: a slot, and a generation that no process of that slot had before (until the
 * numbers start again).
 */
export class Seats {
  private readonly taken = new Set<Seat>();
  private readonly slotOfKey = new Map<string, number>();
  private readonly nextGeneration: number[] = [];

  /**
   * @param slotKey what stays the same when a process is replaced: processes with the same chair get the same slot,
   *   also while the old one is still there. Without it the lowest free slot is taken.
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
      // The former holder of this slot is gone: should its slotKey come back, it takes another one.
      for (const [other, otherSlot] of this.slotOfKey) if (otherSlot === slot) this.slotOfKey.delete(other);
      this.slotOfKey.set(slotKey, slot);
    }
    return slot;
  }
}
