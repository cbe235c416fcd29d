import { assert, property, string, stringMatching, webQueryParameters } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createSessionId,
  generationOf,
  SLOT_LIMIT,
  seatOf,
  seatOfSessionId,
  sessionIdOf,
  slotOf,
} from "../../../src/protocol/session-id";

test("an id names the seat it was made for: every slot and generation", () => {
  for (let slot = 0; slot < SLOT_LIMIT; slot++) {
    for (let generation = 0; generation < SLOT_LIMIT; generation++) {
      const seat = seatOf(slot, generation);
      if (slotOf(seat) !== slot || generationOf(seat) !== generation)
        throw new Error(`${slot}/${generation}`);
      if ((slot + generation) % 7 === 0) expect(seatOfSessionId(createSessionId(seat))).toBe(seat);
    }
  }
});

test("slots and generations start again at the limit", () => {
  expect(seatOf(SLOT_LIMIT + 3, SLOT_LIMIT + 4)).toBe(seatOf(3, 4));
});

test("ids look like Engine.IO's own and do not repeat", () => {
  const ids = Array.from({ length: 1000 }, () => createSessionId(seatOf(1, 2)));
  for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{20}$/);
  expect(new Set(ids).size).toBe(1000);
});

test("any text names a seat or none, without an exception", () => {
  assert(
    property(string({ unit: "binary", maxLength: 40 }), (id) => {
      const seat = seatOfSessionId(id);
      expect(seat !== undefined).toBe(/^[A-Za-z0-9_-]{20}$/.test(id));
    }),
  );
  assert(
    property(stringMatching(/^[A-Za-z0-9_-]{20}$/), (id) => {
      expect(seatOfSessionId(id)).toBeLessThan(SLOT_LIMIT * SLOT_LIMIT);
    }),
  );
});

describe("the sid of a request target", () => {
  test.each([
    ["/", undefined],
    ["/?sid=", undefined],
    ["/?EIO=4&sid=a", "a"],
    ["/?sid=a&sid=b", "b"],
    ["/?sid=a%2Db", "a-b"],
    ["/?%73id=a", "a"],
    ["/?sid=a+b", "a b"],
    ["/?a=?sid=b", undefined],
    ["/#?sid=a", undefined],
    ["/?sid=a#&sid=b", "a"],
  ])("%s", (target, sid) => {
    expect(sessionIdOf(target)).toBe(sid);
  });

  test("is what URLSearchParams reads, for any query", () => {
    assert(
      property(webQueryParameters(), string(), (query, value) => {
        const target = `/?${query}&sid=${encodeURIComponent(value)}`;
        expect(sessionIdOf(target)).toBe(
          new URLSearchParams(target.slice(2)).getAll("sid").at(-1) || undefined,
        );
      }),
    );
  });
});
