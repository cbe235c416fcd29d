import { expect, test } from "vitest";
import { Interest } from "../../../../src/primary/packets/interest";
import { keyOfRoom } from "../../../../src/protocol/room-key";

const a = { name: "a" };
const b = { name: "b" };
const room = keyOfRoom("room")!;
const other = keyOfRoom("other")!;

test("a room is of interest to the workers that have a member", () => {
  const interest = new Interest<object>();
  for (const worker of [a, a, b]) interest.join(worker, 1, "/", room);
  interest.join(b, 1, "/", other);
  expect(new Set(interest.in(1, "/", [room]))).toEqual(new Set([a, b]));
  expect(new Set(interest.in(1, "/", [other, room]))).toEqual(new Set([b, a]));
  expect(new Set(interest.in(1, "/chat", [room]))).toEqual(new Set());
  expect(new Set(interest.in(2, "/", [room]))).toEqual(new Set());
  interest.leave(a, 1, "/", room);
  interest.leave(a, 1, "/", other);
  expect(new Set(interest.in(1, "/", [room, other]))).toEqual(new Set([b]));
});

test("a worker that was asked to let sockets join is told of the room's packets until each question is settled", () => {
  const interest = new Interest<object>();
  interest.expect(a, 1, "/", room);
  interest.expect(a, 1, "/", room);
  interest.settle(a, 1, "/", room);
  expect(new Set(interest.in(1, "/", [room]))).toEqual(new Set([a]));
  interest.settle(a, 1, "/", room);
  interest.settle(a, 1, "/", room);
  expect(new Set(interest.in(1, "/", [room]))).toEqual(new Set());
});

test("nothing is left of a worker that is gone", () => {
  const interest = new Interest<object>();
  for (const worker of [a, b]) interest.join(worker, 1, "/", room);
  interest.join(a, 1, "/", other);
  interest.expect(a, 1, "/", other);
  interest.forget(a);
  expect(new Set(interest.in(1, "/", [room, other]))).toEqual(new Set([b]));
  interest.forget(b);
  expect(interest.size).toBe(0);
});

test("nothing is left of a worker in a scope that it has closed; its other scopes and other workers stay", () => {
  const interest = new Interest<object>();
  for (const scope of [1, 11]) {
    for (const worker of [a, b]) interest.join(worker, scope, "/", room);
    interest.expect(a, scope, "/", other);
  }
  interest.forgetScope(a, 1);
  expect(new Set(interest.in(1, "/", [room, other]))).toEqual(new Set([b]));
  expect(new Set(interest.in(11, "/", [room]))).toEqual(new Set([a, b]));
  expect(new Set(interest.in(11, "/", [other]))).toEqual(new Set([a]));
});
