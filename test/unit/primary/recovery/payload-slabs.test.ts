import { array, assert, constantFrom, nat, property, tuple } from "fast-check";
import { expect, test } from "vitest";
import { PayloadSlabs, type Place } from "../../../../src/primary/recovery/payload-slabs";

const MIB = 1024 * 1024;

test("payloads of any sizes stay as they were until they are released, in bounded memory", () => {
  const sizes = constantFrom(0, 1, 10, 1000, 100_000, MIB / 8, MIB / 8 + 1, MIB, 2 * MIB);
  assert(
    property(array(tuple(sizes, nat(4)), { maxLength: 200 }), (steps) => {
      const slabs = new PayloadSlabs();
      const kept: { place: Place; size: number; mark: number }[] = [];
      let mark = 0;
      for (const [size, releases] of steps) {
        mark = (mark + 1) % 251;
        const payload = Buffer.alloc(size, mark);
        kept.push({ place: slabs.keep(payload), size, mark });
        payload.fill(255);
        for (let i = 0; i < releases && kept.length > 3; i++) slabs.release(kept.shift()!.place);
        for (const { place, size, mark } of kept) {
          const read = slabs.read(place);
          expect([read.length, read[0], read.at(-1)]).toEqual(
            size > 0 ? [size, mark, mark] : [0, undefined, undefined],
          );
        }
      }
      for (const { place } of kept) slabs.release(place);
      expect(slabs.size).toBeGreaterThanOrEqual(0);
      expect(slabs.size).toBeLessThanOrEqual(4);
    }),
    { numRuns: 50 },
  );
});

test("memory is used again, and most of it is given back when less is needed", () => {
  const slabs = new PayloadSlabs();
  const places: Place[] = [];
  const keep = (count: number) => {
    for (let i = 0; i < count; i++) places.push(slabs.keep(Buffer.alloc(MIB / 8)));
  };
  keep(8 * 40);
  expect(slabs.size).toBe(40);
  for (let turn = 0; turn < 100; turn++) {
    for (let i = 0; i < 8; i++) slabs.release(places.shift()!);
    keep(8);
  }
  expect(slabs.size).toBeLessThanOrEqual(42);
  const memory = new Set(places.map(({ slab }) => slab.memory));
  for (const place of places.splice(0)) slabs.release(place);
  expect(slabs.size).toBeLessThanOrEqual(6);
  keep(8);
  expect(memory).toContain(places[0]!.slab.memory);
});
