import { expect, test } from "vitest";
import { MoveTurns } from "../../../../src/worker/handover/move-turns";

test("so many have their turn at once; the others follow in order, behind those who may go first", async () => {
  const turns = new MoveTurns(2);
  const order: string[] = [];
  const take = (name: string, goesFirst = false) => turns.take(goesFirst).then(() => order.push(name));
  await Promise.all([take("a"), take("b")]);
  const all = Promise.all([take("c"), take("d"), take("urgent", true), take("also urgent", true)]);
  expect(order).toEqual(["a", "b"]);
  for (let i = 0; i < 4; i++) turns.release();
  await all;
  expect(order).toEqual(["a", "b", "urgent", "also urgent", "c", "d"]);
});

test("a turn that nobody waits for is kept for the next", async () => {
  const turns = new MoveTurns(1);
  await turns.take(false);
  turns.release();
  await turns.take(false);
  const next = turns.take(false);
  turns.release();
  await next;
});
