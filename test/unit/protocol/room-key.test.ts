import { assert, double, oneof, pre, property, string } from "fast-check";
import { expect, test } from "vitest";
import { keyIn, keyOfRoom, keysOfRooms, roomOfKey } from "../../../src/protocol/room-key";

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
  expect(keyIn("/a", "\nb")).not.toBe(keyIn("/a\n", "b"));
  expect(keyIn("1", "1:1")).not.toBe(keyIn("11:", "1"));
  const name = string({ unit: "binary" });
  assert(
    property(name, name, name, name, (nsp, room, otherNsp, otherRoom) => {
      pre(nsp !== otherNsp || room !== otherRoom);
      expect(keyIn(nsp, room)).not.toBe(keyIn(otherNsp, otherRoom));
    }),
  );
  // The parts of one text, cut in two places.
  assert(
    property(name, name, name, (first, second, third) => {
      pre(second !== "");
      expect(keyIn(first, second + third)).not.toBe(keyIn(first + second, third));
    }),
  );
});
