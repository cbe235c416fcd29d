// SPDX-License-Identifier: MIT
import type { CastTarget } from "../../protocol/messages";
import { EVERYBODY, keyIn, type NamespacedKey, type RoomKey } from "../../protocol/room-key";
import { PayloadSlabs, type Place } from "./payload-slabs";
import type { PastRoom } from "./recovery-store";

/** A packet that a client has missed; its payload is valid until the log changes. */
export interface MissedPacket {
  /** Its place in the order of the app's packets. */
  order: number;
  payload: Buffer;
}

interface LoggedPacket {
  order: number;
  scope: number;
  target: CastTarget;
  place: Place;
  timeMs: number;
}

/** What a packet costs beside its payload, roughly. */
const OVERHEAD_BYTES = 200;

/** The packets of one room, oldest first; nothing is left of those before `head`. */
interface RoomLog {
  packets: (LoggedPacket | undefined)[];
  head: number;
}

/**
 * The recovery log of one app: its packets in order, indexed by room, bounded by time and bytes. Pure; the clock comes
 * from outside.
 */
export class PacketLog {
  private readonly all: RoomLog = { packets: [], head: 0 };
  private readonly byRoom = new Map<NamespacedKey, RoomLog>();
  private readonly payloads = new PayloadSlabs();
  private lastOrder = 0;
  private oldestOrder = 1;
  /** The time of the last packet that fell out. */
  private droppedMs = 0;
  bytes = 0;
  /** Packets that fell out because of their number of bytes, not their age. */
  evicted = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly now: () => number,
  ) {}

  /** The order of the newest packet; 0 if there was none. */
  get last(): number {
    return this.lastOrder;
  }

  /** How many packets are here. */
  get size(): number {
    return this.all.packets.length - this.all.head;
  }

  /** Gives the packet its number. The payload is copied, it is part of a larger chunk. */
  append(scope: number, target: CastTarget, payload: Uint8Array): number {
    const place = this.payloads.keep(payload);
    const packet = { order: ++this.lastOrder, scope, target, place, timeMs: this.now() };
    this.bytes += payload.length + OVERHEAD_BYTES;
    this.all.packets.push(packet);
    for (const key of keysOf(packet)) {
      const log = this.byRoom.get(key) ?? { packets: [], head: 0 };
      log.packets.push(packet);
      this.byRoom.set(key, log);
    }
    while (this.bytes > this.maxBytes) {
      this.dropOldest();
      this.evicted++;
    }
    return packet.order;
  }

  /** Drops what is older than `maxAgeMs`. */
  expire(maxAgeMs: number): void {
    const limit = this.now() - maxAgeMs;
    for (let oldest = this.oldest(); oldest && oldest.timeMs < limit; oldest = this.oldest())
      this.dropOldest();
  }

  /** The order of the last packet before that time; 0 if it fell out, with some that are younger. */
  orderAt(timeMs: number): number {
    const { packets, head } = this.all;
    const older = firstWhere(packets, head, (packet) => packet.timeMs >= timeMs);
    if (older > head) return packets[older - 1]!.order;
    return this.droppedMs < timeMs ? this.oldestOrder - 1 : 0;
  }

  /** Whether all packets after `order` are still here. */
  reaches(order: number): boolean {
    return order >= this.oldestOrder - 1 && order <= this.lastOrder;
  }

  /**
   * The packets after `order` for a member of `rooms` of a namespace of a scope, in order, each once. A room's packets count from
   * the order at which it was joined, and those of a `past` room to that at which it was left.
   */
  since(
    order: number,
    scope: number,
    nsp: string,
    rooms: ReadonlyMap<RoomKey, number>,
    past: readonly PastRoom[] = [],
  ): MissedPacket[] {
    const found = new Map<number, LoggedPacket>();
    const wasMember = (room: RoomKey, at: number) =>
      (rooms.get(room) ?? Infinity) < at ||
      past.some((each) => each.room === room && each.after < at && at <= each.until);
    const collect = (key: NamespacedKey, after: number, until = Infinity) => {
      const log = this.byRoom.get(key);
      if (!log) return;
      for (let i = firstAfter(log, after); i < log.packets.length; i++) {
        const packet = log.packets[i]!;
        if (packet.order > until) break;
        // What excludes a room that was joined after it is not for its later members to miss.
        if (!packet.target.except.some((room) => wasMember(room, packet.order)))
          found.set(packet.order, packet);
      }
    };
    const keyOf = (room: RoomKey) => keyIn(scope, nsp, room);
    collect(keyOf(EVERYBODY), order);
    for (const [room, joined] of rooms) collect(keyOf(room), Math.max(order, joined));
    for (const { room, after, until } of past) collect(keyOf(room), Math.max(order, after), until);
    return [...found.values()]
      .sort((a, b) => a.order - b.order)
      .map(({ order, place }) => ({ order, payload: this.payloads.read(place) }));
  }

  private oldest(): LoggedPacket | undefined {
    return this.all.packets[this.all.head];
  }

  private dropOldest(): void {
    const packet = this.oldest();
    if (!packet) return;
    advance(this.all);
    for (const key of keysOf(packet)) {
      const log = this.byRoom.get(key);
      if (log && advance(log)) this.byRoom.delete(key);
    }
    this.payloads.release(packet.place);
    this.bytes -= packet.place.end - packet.place.start + OVERHEAD_BYTES;
    this.oldestOrder = packet.order + 1;
    this.droppedMs = packet.timeMs;
  }
}

function keysOf({ scope, target: { nsp, rooms } }: LoggedPacket): NamespacedKey[] {
  if (rooms.length === 0) return [keyIn(scope, nsp, EVERYBODY)];
  return [...new Set(rooms)].map((room) => keyIn(scope, nsp, room));
}

/** Drops the head; compacts when half of the list is gone. Returns whether the list is empty. */
function advance(log: RoomLog): boolean {
  log.packets[log.head++] = undefined;
  if (log.head > 32 && log.head * 2 > log.packets.length) {
    log.packets = log.packets.slice(log.head);
    log.head = 0;
  }
  return log.head >= log.packets.length;
}

function firstAfter({ packets, head }: RoomLog, order: number): number {
  return firstWhere(packets, head, (packet) => packet.order > order);
}

/** The first of the packets from `low` on that is beyond a limit, as are all after it. */
function firstWhere(
  packets: RoomLog["packets"],
  head: number,
  isBeyond: (packet: LoggedPacket) => boolean,
): number {
  let low = head;
  let high = packets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBeyond(packets[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
