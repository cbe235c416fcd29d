import { assert, double, nat, oneof, pre, property, string } from "fast-check";
import { expect, test } from "vitest";
import { keyIn, keyOfRoom, keysOfRooms, prefixOfScope, roomOfKey } from "../../../src/protocol/room-key";

test("any text or number is a room, and survives the way", () => {
  assert(
    property(
      oneof(
        string({ unit: "binary" }),
        double().map((number) => number + 0),
      ),
      (room) => {
        expect(roomOfKey(keyOfRoom(room)!)).toEqual(room);
      },
    ),
  );
});

test("1 and the text 1 are two rooms", () => {
  expect(keyOfRoom(1)).not.toBe(keyOfRoom("1"));
});

test("anything else has no key", () => {
  expect([null, undefined, {}, Symbol("room"), 1n, true].map(keyOfRoom)).toEqual(Array(6).fill(undefined));
  expect(keysOfRooms(["a", {}])).toBe(undefined);
  expect(keysOfRooms(new Set(["a", 1]))).toEqual(["sa", "n1"]);
});

test("names of two namespaces never share a key, whatever characters they are made of", () => {
  expect(keyIn(1, "/a", "\nb")).not.toBe(keyIn(1, "/a\n", "b"));
  expect(keyIn(1, "1", "1:1")).not.toBe(keyIn(1, "11:", "1"));
  const name = string({ unit: "binary" });
  assert(
    property(name, name, name, name, (nsp, room, otherNsp, otherRoom) => {
      pre(nsp !== otherNsp || room !== otherRoom);
      expect(keyIn(1, nsp, room)).not.toBe(keyIn(1, otherNsp, otherRoom));
    }),
  );
  // The parts of one text, cut in two places.
  assert(
    property(name, name, name, (first, second, third) => {
      pre(second !== "");
      expect(keyIn(1, first, second + third)).not.toBe(keyIn(1, first + second, third));
    }),
  );
});

test("nor do names of two scopes, and a scope's keys are known by their beginning", () => {
  const name = string({ unit: "binary" });
  assert(
    property(nat(), nat(), name, name, name, name, (scope, other, nsp, room, otherNsp, otherRoom) => {
      pre(scope !== other);
      const key = keyIn(scope, nsp, room);
      expect(key).not.toBe(keyIn(other, otherNsp, otherRoom));
      expect(key.startsWith(prefixOfScope(scope))).toBe(true);
      expect(key.startsWith(prefixOfScope(other))).toBe(false);
    }),
  );
});
