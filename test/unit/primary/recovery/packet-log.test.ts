import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  type Arbitrary,
  array,
  assert,
  constantFrom,
  nat,
  property,
  record,
  subarray,
  tuple,
  uint8Array,
} from "fast-check";
import { expect, test, vi } from "vitest";
import { type MissedPacket, PacketLog } from "../../../../src/primary/recovery/packet-log";
import type { CastTarget } from "../../../../src/protocol/messages";
import { keyOfRoom, type RoomKey } from "../../../../src/protocol/room-key";

interface Logged extends MissedPacket {
  target: CastTarget;
  timeMs: number;
}

const ROOMS = ["a", "b", "c", 1, "1"].map((room) => keyOfRoom(room)!);
const [a, b] = ROOMS as [RoomKey, RoomKey];
const NAMESPACES = ["/", "/chat"];
const target: Arbitrary<CastTarget> = record({
  nsp: constantFrom(...NAMESPACES),
  rooms: array(constantFrom(...ROOMS), { maxLength: 3 }),
  except: subarray(ROOMS, { maxLength: 2 }),
});
const steps = array(tuple(target, uint8Array({ maxLength: 600 }), nat(50)), { maxLength: 150 });
const membership = array(tuple(constantFrom(...ROOMS), nat(150))).map((joins) => new Map(joins));

/** What `since` promises, in its simplest form. */
function missedBy(packets: Logged[], order: number, nsp: string, rooms: ReadonlyMap<RoomKey, number>) {
  const isMember = (room: RoomKey, at: number) => rooms.has(room) && rooms.get(room)! < at;
  const missed = packets.filter(
    ({ order: at, target }) =>
      at > order &&
      target.nsp === nsp &&
      (target.rooms.length === 0 || target.rooms.some((room) => isMember(room, at))) &&
      !target.except.some((room) => isMember(room, at)),
  );
  return missed.map(({ order, payload }) => ({ order, payload }));
}

test("a member of any rooms misses what a filter over all packets finds, within bounds of bytes and time", () => {
  assert(
    property(
      steps,
      nat(30_000),
      nat(3000),
      membership,
      nat(150),
      (steps, maxBytes, maxAgeMs, rooms, from) => {
        let ms = 0;
        const log = new PacketLog(maxBytes, () => ms);
        let all: Logged[] = [];
        for (const [target, payload, pauseMs] of steps) {
          ms += pauseMs;
          const order = log.append(1, target, payload);
          all.push({ order, target, payload: Buffer.from(payload), timeMs: ms });
          log.expire(maxAgeMs);
        }
        // What is there is the newest, as much as the bounds allow.
        expect(log.last).toBe(steps.length);
        expect(log.bytes).toBeLessThanOrEqual(maxBytes);
        const oldest = all.length - log.size;
        expect(log.reaches(oldest)).toBe(true);
        expect(log.reaches(oldest - 1)).toBe(false);
        const dropped = all[oldest - 1];
        all = all.slice(oldest);
        for (const { timeMs } of all) expect(timeMs).toBeGreaterThanOrEqual(ms - maxAgeMs);
        for (const nsp of NAMESPACES)
          expect(log.since(from, 1, nsp, rooms)).toEqual(missedBy(all, from, nsp, rooms));
        // And what was here at a time.
        const older = all.filter(({ timeMs }) => timeMs < ms / 2);
        const fellOut = dropped === undefined || dropped.timeMs < ms / 2 ? oldest : 0;
        expect(log.orderAt(ms / 2)).toBe(older.at(-1)?.order ?? fellOut);
      },
    ),
    { numRuns: 500 },
  );
});

const to = (...rooms: RoomKey[]): CastTarget => ({ nsp: "/", rooms, except: [] });
const orders = (packets: MissedPacket[]) => packets.map(({ order }) => order);

test("what falls out for its bytes is counted, what falls out for its age is not", () => {
  let ms = 0;
  const log = new PacketLog(1000, () => ms);
  for (let i = 0; i < 6; i++) log.append(1, to(a), Buffer.alloc(100));
  expect([log.size, log.evicted, log.bytes]).toEqual([3, 3, 900]);
  ms = 10;
  log.expire(5);
  expect([log.size, log.evicted, log.bytes]).toEqual([0, 3, 0]);
  expect(log.reaches(log.last)).toBe(true);
});

test("a packet larger than the log empties it", () => {
  const log = new PacketLog(1000, () => 0);
  log.append(1, to(a), Buffer.alloc(10));
  expect(log.append(1, to(a), Buffer.alloc(2000))).toBe(2);
  expect([log.size, log.bytes]).toEqual([0, 0]);
});

test("a packet to several rooms of a member counts once, and rooms only from when they were joined", () => {
  const log = new PacketLog(10_000, () => 0);
  log.append(1, to(a), Buffer.alloc(1));
  log.append(1, to(a, b, a), Buffer.alloc(1));
  log.append(1, to(b), Buffer.alloc(1));
  log.append(1, { ...to(a), except: [b] }, Buffer.alloc(1));
  const members = (inA: number, inB: number) => new Map([[a, inA]].concat([[b, inB]]) as [RoomKey, number][]);
  expect(orders(log.since(0, 1, "/", members(0, 0)))).toEqual([1, 2, 3]);
  expect(orders(log.since(0, 1, "/", members(1, 2)))).toEqual([2, 3]);
  // b was joined after the packet that excludes it
  expect(orders(log.since(0, 1, "/", members(0, 4)))).toEqual([1, 2, 4]);
});

test("the payload is a copy of the chunk it came in", () => {
  const log = new PacketLog(10_000, () => 0);
  const chunk = Buffer.from("before");
  log.append(1, to(), chunk);
  chunk.fill("x");
  expect(log.since(0, 1, "/", new Map())[0]!.payload.toString()).toBe("before");
});

test("what fell out takes no memory, also if its rooms have newer packets", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  let ms = 0;
  const log = new PacketLog(16 * 1024 * 1024, () => ms);
  const rooms = Array.from({ length: 100 }, (_, i) => keyOfRoom(`room ${i}`)!);
  const [large, small] = [Buffer.alloc(32 * 1024), Buffer.alloc(10)];
  const used = () => {
    gc();
    return process.memoryUsage().arrayBuffers;
  };
  const before = used();
  for (let burst = 0; burst < 15; burst++) {
    for (let i = 0; i < 500; i++) {
      log.append(1, to(a), large);
      if (i % 5 === 0) log.append(1, to(rooms[i / 5]!), small);
    }
    ms += 900;
    // Only the small packets are young.
    for (const room of rooms) log.append(1, to(room), small);
    ms += 200;
    log.expire(1000);
  }
  expect(log.size).toBe(100);
  // V8 gives memory back some time after it was found to be garbage.
  await vi.waitFor(() => expect(used() - before).toBeLessThan(16 * 1024 * 1024), { timeout: 5000 });
});
