import { expect, test } from "vitest";
import { Interest } from "../../../../src/primary/packets/interest";
import { keyOfRoom } from "../../../../src/protocol/room-key";

const a = { name: "a" };
const b = { name: "b" };
const room = keyOfRoom("room")!;
const other = keyOfRoom("other")!;

test("a room is of interest to the workers that have a member", () => {
  const interest = new Interest<object>();
  for (const worker of [a, a, b]) interest.join(worker, "/", room);
  interest.join(b, "/", other);
  expect(new Set(interest.in("/", [room]))).toEqual(new Set([a, b]));
  expect(new Set(interest.in("/", [other, room]))).toEqual(new Set([b, a]));
  expect(new Set(interest.in("/chat", [room]))).toEqual(new Set());
  interest.leave(a, "/", room);
  interest.leave(a, "/", other);
  expect(new Set(interest.in("/", [room, other]))).toEqual(new Set([b]));
});

test("a worker that was asked to let sockets join is told of the room's packets until each question is settled", () => {
  const interest = new Interest<object>();
  interest.expect(a, "/", room);
  interest.expect(a, "/", room);
  interest.settle(a, "/", room);
  expect(new Set(interest.in("/", [room]))).toEqual(new Set([a]));
  interest.settle(a, "/", room);
  interest.settle(a, "/", room);
  expect(new Set(interest.in("/", [room]))).toEqual(new Set());
});

test("nothing is left of a worker that is gone", () => {
  const interest = new Interest<object>();
  for (const worker of [a, b]) interest.join(worker, "/", room);
  interest.join(a, "/", other);
  interest.expect(a, "/", other);
  interest.forget(a);
  expect(new Set(interest.in("/", [room, other]))).toEqual(new Set([b]));
  interest.forget(b);
  expect(interest.size).toBe(0);
});
