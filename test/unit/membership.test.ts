import { expect, test } from "vitest";
import { Membership } from "../../src/worker/membership";

const to = (...rooms: string[]) => ({ rooms: new Set(rooms), except: new Set<string>() });

test("a packet is for those who were members when it was emitted", () => {
  const rooms = new Map([["s", new Set(["s", "joined"])]]);
  const membership = new Membership((sid) => rooms.get(sid));
  membership.note(1, "s", "left", false);
  membership.note(2, "s", "joined", true);
  expect([...membership.changedSince(1, to("left"))]).toEqual([["s", true]]);
  expect([...membership.changedSince(1, to("joined"))]).toEqual([["s", false]]);
  expect([...membership.changedSince(2, to("left"))]).toEqual([["s", false]]);
  expect([...membership.changedSince(2, { rooms: new Set(), except: new Set(["joined"]) })]).toEqual([
    ["s", true],
  ]);
  expect([...membership.changedSince(3, to("joined"))]).toEqual([]);
  expect(membership.includes("s", 3, to("joined"))).toBe(true);
});

test("a packet to everybody is for those who were connected when it was emitted", () => {
  const rooms = new Map([["new", new Set(["new"])]]);
  const membership = new Membership((sid) => rooms.get(sid));
  membership.note(1, "new", "new", true);
  expect([...membership.changedSince(1, to())]).toEqual([["new", false]]);
});

test("what no packet on its way depends on is forgotten", () => {
  const membership = new Membership(() => new Set(["s"]));
  membership.note(1, "s", "a", false);
  membership.note(2, "s", "b", false);
  membership.forgetUntil(1);
  expect(membership.includes("s", 1, to("a"))).toBe(false);
  expect(membership.includes("s", 2, to("b"))).toBe(true);
});
