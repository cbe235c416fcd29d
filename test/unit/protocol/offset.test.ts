import { assert, maxSafeNat, property, string } from "fast-check";
import { expect, test } from "vitest";
import { offsetOfOrder, orderOfOffset } from "../../../src/protocol/offset";

test("a client gives back the place it was told", () => {
  assert(
    property(maxSafeNat(), (order) => {
      expect(orderOfOffset("_-aB", offsetOfOrder("_-aB", order))).toBe(order);
    }),
  );
});

test("the offset of another primary, or what is none, means nothing", () => {
  expect(orderOfOffset("aaaa", offsetOfOrder("bbbb", 1))).toBe(undefined);
  for (const offset of ["", "aaaa", "aaaa-1", "aaaa1.5", "aaaaA", `aaaa${"z".repeat(12)}`]) {
    expect(orderOfOffset("aaaa", offset)).toBe(undefined);
  }
  assert(
    property(string(), (text) => {
      expect(orderOfOffset("aaaa", text)).toBe(undefined);
    }),
  );
});
