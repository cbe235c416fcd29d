import { expect, test } from "vitest";
import { Membership } from "../../../../src/worker/adapter/membership";

const to = (...rooms: string[]) => ({ rooms: new Set(rooms), except: new Set<string>() });

test("a packet is for those who were members when it was emitted", () => {
  const rooms = new Map([["s", new Set(["s", "joined"])]]);
  const membership = new Membership((sid) => rooms.get(sid));
  membership.note(10, "s", "left", false);
  membership.note(20, "s", "joined", true);
  const at = (time: number, room: string) => membership.changedSince(time, to(room));
  expect(at(5, "left")).toEqual([{ sid: "s", isMember: true }]);
  expect(at(5, "joined")).toEqual([{ sid: "s", isMember: false }]);
  expect(at(15, "left")).toEqual([{ sid: "s", isMember: false }]);
  const notJoined = { rooms: new Set<string>(), except: new Set(["joined"]) };
  expect(membership.changedSince(15, notJoined)).toEqual([{ sid: "s", isMember: true }]);
  expect(at(25, "joined")).toEqual([]);
  expect(membership.includes("s", 25, to("joined"))).toBe(true);
  expect(membership.includes("s", 15, to("joined"))).toBe(false);
});

test("a packet to everybody is for those who were connected when it was emitted", () => {
  const membership = new Membership(() => new Set(["new"]));
  membership.note(10, "new", "new", true);
  expect(membership.changedSince(5, to())).toEqual([{ sid: "new", isMember: false }]);
});

test("changes are forgotten when no packet can be on its way that is older", () => {
  const membership = new Membership(() => new Set(["s"]));
  membership.note(10, "s", "a", false);
  membership.note(1e7, "s", "b", false);
  expect(membership.includes("s", 5, to("a"))).toBe(false);
  expect(membership.includes("s", 5, to("b"))).toBe(true);
});
