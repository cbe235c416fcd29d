import { expect, test } from "vitest";
import { Seats } from "../../../../src/primary/workers/seats";
import { generationOf, SLOT_LIMIT, slotOf } from "../../../../src/protocol/session-id";

const show = (seat: ReturnType<Seats["take"]>) => `${slotOf(seat)}.${generationOf(seat)}`;

test("processes without a slotKey take the lowest free slot, and a generation of their own", () => {
  const seats = new Seats();
  const [first] = [seats.take(), seats.take(), seats.take()];
  seats.leave(first);
  expect(show(seats.take())).toBe("0.1");
  expect(show(seats.take())).toBe("3.0");
});

test("a replacement gets the slot of its slotKey, also while the former process is there", () => {
  const seats = new Seats();
  expect(show(seats.take("a"))).toBe("0.0");
  expect(show(seats.take("b"))).toBe("1.0");
  expect(show(seats.take("a"))).toBe("0.1");
});

test("a slotKey whose slot was given away takes another one when it comes back", () => {
  const seats = new Seats();
  seats.leave(seats.take("a"));
  expect(show(seats.take("b"))).toBe("0.1");
  expect(show(seats.take("a"))).toBe("1.0");
});

test("generations start again, but never meet a process that is still there", () => {
  const seats = new Seats();
  const old = seats.take("a");
  for (let i = 1; i < SLOT_LIMIT; i++) seats.leave(seats.take("a"));
  expect(show(old)).toBe("0.0");
  expect(show(seats.take("a"))).toBe("0.1");
});

test("there are no more slots than an id can name", () => {
  const seats = new Seats();
  for (let i = 0; i < SLOT_LIMIT; i++) seats.take();
  expect(() => seats.take()).toThrow(RangeError);
});
