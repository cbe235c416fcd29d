// SPDX-License-Identifier: MIT
import type { CastTarget } from "../../protocol/messages";
import { EVERYBODY, keyIn, type NamespacedKey, type RoomKey } from "../../protocol/room-key";
import { PayloadSlabs, type Place } from "./payload-slabs";
import type { PastRoom } from "./recovery-store";

/** A packet that a client has missed. Its payload is part of the log's memory, and valid until the log changes. */
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

/** Roughly how many bytes of memory a packet takes beside its payload. */
const OVERHEAD_BYTES = 200;

/**
 * The packets of one room, oldest first. Those before `head` have fallen out of the log, and their places are empty.
 */
interface RoomLog {
  packets: (LoggedPacket | undefined)[];
  head: number;
}

/**
 * The recovery log of one app: its latest packets in their order, indexed by room. What is older than a certain time,
 * or does not fit into `maxBytes`, falls out. Pure; the clock comes from outside.
 */
export class PacketLog {
  private readonly all: RoomLog = { packets: [], head: 0 };
  private readonly byRoom = new Map<NamespacedKey, RoomLog>();
  private readonly payloads = new PayloadSlabs();
  private lastOrder = 0;
  private oldestOrder = 1;
  /** When the last of the packets that fell out had been appended. */
  private droppedMs = 0;
  /** How many bytes the packets take, with what they cost beside their payloads. */
  bytes = 0;
  /** How many packets fell out for want of room, and not because of their age. */
  evicted = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly now: () => number,
  ) {}

  /** The order of the newest packet; 0 if there was none yet. */
  get last(): number {
    return this.lastOrder;
  }

  /** How many packets the log contains. */
  get size(): number {
    return this.all.packets.length - this.all.head;
  }

  /** Adds a packet and returns its order. The payload is copied, because it is part of a larger chunk. */
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

  /**
   * The order of the last packet before that time. It is 0 if that cannot be told any more, because packets from after
   * that time have fallen out, too.
   */
  orderAt(timeMs: number): number {
    const { packets, head } = this.all;
    const older = firstWhere(packets, head, (packet) => packet.timeMs >= timeMs);
    if (older > head) return packets[older - 1]!.order;
    return this.droppedMs < timeMs ? this.oldestOrder - 1 : 0;
  }

  /** Whether the log still contains all packets after `order`. */
  reaches(order: number): boolean {
    return order >= this.oldestOrder - 1 && order <= this.lastOrder;
  }

  /**
   * The packets after `order` that a session in a namespace of a scope has missed, in order, each once. `rooms` are its
   * rooms, each with the order at which it was joined, from which on packets for the room count. `past` are rooms that
   * it has left; for these, packets count up to the order at which they were left.
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
        // A packet that excludes a room was not for those who were members of that room at the time; who joined the
        // room later has missed the packet.
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

/** Drops the oldest packet. Shortens the array when half of it is empty. Returns whether no packet is left. */
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

/** The index of the first packet, from `head` on, that is beyond a limit. All packets behind it must be, too. */
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
