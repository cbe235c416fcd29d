import { beforeEach, expect, test } from "vitest";
import { Adapters } from "../../../../src/primary/packets/adapters";

const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];
let adapters: Adapters<object>;

beforeEach(() => {
  adapters = new Adapters();
});

/** What each worker is told, by the names of workers. */
const told = () =>
  Object.fromEntries(adapters.takeChanges().map(([worker, changes]) => [(worker as typeof a).name, changes]));
const uids = (others: Iterable<{ uid: string }>) => [...others].map(({ uid }) => uid);

test("adapters of one namespace of a scope are told of each other, and of nobody else", () => {
  adapters.add(a, "a1", 0, 1, "/");
  expect(told()).toEqual({ a: [{ uid: "a1", came: [], went: [] }] });
  adapters.add(b, "b1", 0, 1, "/");
  adapters.add(b, "b2", 0, 1, "/chat");
  adapters.add(b, "b3", 1, 2, "/");
  expect(told()).toEqual({
    a: [{ uid: "a1", came: ["b1"], went: [] }],
    b: [
      { uid: "b1", came: ["a1"], went: [] },
      { uid: "b2", came: [], went: [] },
      { uid: "b3", came: [], went: [] },
    ],
  });
  expect(told()).toEqual({});
  expect(uids(adapters.others(a, 1, "/"))).toEqual(["b1"]);
  expect(uids(adapters.others(c, 1, "/"))).toEqual(["a1", "b1"]);
  expect(adapters.workerOf("b2")).toBe(b);
});

test("a worker's own second adapter of a namespace is no peer of the first", () => {
  adapters.add(a, "old", 0, 1, "/");
  adapters.add(a, "new", 0, 1, "/");
  adapters.remove(a, "old");
  adapters.add(b, "b1", 0, 1, "/");
  expect(told()).toEqual({
    a: [{ uid: "new", came: ["b1"], went: [] }],
    b: [{ uid: "b1", came: ["new"], went: [] }],
  });
});

test("who closes an adapter, or is gone, is told of; also if it came in the same turn", () => {
  adapters.add(a, "a1", 0, 1, "/");
  adapters.add(b, "b1", 0, 1, "/");
  adapters.takeChanges();
  expect(adapters.remove(b, "b1")).toBe(true);
  adapters.add(c, "c1", 0, 1, "/");
  expect(adapters.left(c)).toEqual(["c1"]);
  expect(told()).toEqual({ a: [{ uid: "a1", came: [], went: ["b1", "c1"] }] });
  expect(uids(adapters.others(a, 1, "/"))).toEqual([]);
  expect(adapters.workerOf("c1")).toBe(undefined);
});

test("nobody adds or removes what is another worker's", () => {
  adapters.add(a, "a1", 0, 1, "/");
  expect(adapters.add(b, "a1", 0, 1, "/")).toBe(false);
  expect(adapters.remove(b, "a1")).toBe(false);
  expect(adapters.workerOf("a1")).toBe(a);
});

test("a server that turns out to be of another scope leaves its peers for others", () => {
  adapters.add(a, "a1", 0, 1, "/");
  adapters.add(b, "b1", 0, 2, "/");
  adapters.add(c, "c1", 0, 1, "/");
  adapters.add(c, "c2", 1, 2, "/");
  adapters.takeChanges();
  adapters.move(c, 0, 2);
  adapters.move(c, 1, 1);
  expect(told()).toEqual({
    a: [{ uid: "a1", came: ["c2"], went: ["c1"] }],
    b: [{ uid: "b1", came: ["c1"], went: ["c2"] }],
    c: [
      { uid: "c1", came: ["b1"], went: ["a1"] },
      { uid: "c2", came: ["a1"], went: ["b1"] },
    ],
  });
});
