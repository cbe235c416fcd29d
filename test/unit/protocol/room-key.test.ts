import { assert, double, oneof, property, string } from "fast-check";
import { expect, test } from "vitest";
import { keyOfRoom, keysOfRooms, roomOfKey } from "../../../src/protocol/room-key";

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
