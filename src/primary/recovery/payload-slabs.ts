// SPDX-License-Identifier: MIT

/**
 * A piece of memory that is filled from its beginning to its end. When nothing in it is needed any
 * more, it is filled anew.
 */
interface Slab {
  readonly memory: Buffer;
  used: number;
  /** How many payloads in it are still needed. */
  live: number;
  /** Whether it is for one large payload alone. */
  readonly own: boolean;
}

/** Where a payload is kept. */
export interface Place {
  readonly slab: Slab;
  readonly start: number;
  readonly end: number;
}

const SLAB_BYTES = 1024 * 1024;
/** A larger payload gets a slab of its own, which is not used again. */
const MAX_SHARED_BYTES = SLAB_BYTES / 8;
/** How many slabs, as a part of those in use (and one more), may wait to be filled again. The rest is freed. */
const SPARE_PART = 1 / 8;

/**
 * Keeps copies of payloads that are dropped in about the order in which they came. Many of them share a slab, which is
 * used again when all of them are dropped. With memory of its own for each payload, the memory outside of V8's heap
 * would come and go with the traffic, and V8 collects all garbage for every 64 MiB of that. That happened several times
 * a second (benchmark row `recovery`).
 */
export class PayloadSlabs {
  private current: Slab | undefined;
  private readonly spare: Slab[] = [];
  private liveSlabs = 0;

  /** How many slabs there are, in use or waiting, without those of one large payload. */
  get size(): number {
    return this.liveSlabs + this.spare.length;
  }

  keep(payload: Uint8Array): Place {
    const slab = this.slabFor(payload.length);
    const start = slab.used;
    const end = start + payload.length;
    slab.memory.set(payload, start);
    slab.used = end;
    slab.live++;
    return { slab, start, end };
  }

  /** The payload, without copying it: its memory is used again some time after its {@link release}. */
  read({ slab, start, end }: Place): Buffer {
    return slab.memory.subarray(start, end);
  }

  /** The payload is not needed any more. */
  release({ slab }: Place): void {
    slab.live--;
    if (slab.live > 0 || slab.own) return;
    slab.used = 0;
    if (slab === this.current) return;
    this.liveSlabs--;
    this.spare.push(slab);
    if (this.spare.length > 1 + this.liveSlabs * SPARE_PART) this.spare.length--;
  }

  private slabFor(bytes: number): Slab {
    if (bytes > MAX_SHARED_BYTES) return newSlab(bytes, true);
    if (this.current && this.current.used + bytes <= SLAB_BYTES) return this.current;
    this.liveSlabs++;
    this.current = this.spare.pop() ?? newSlab(SLAB_BYTES, false);
    return this.current;
  }
}

function newSlab(bytes: number, own: boolean): Slab {
  return { memory: Buffer.allocUnsafeSlow(bytes), used: 0, live: 0, own };
}
