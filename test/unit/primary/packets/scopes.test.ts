import { array, assert, constantFrom, nat, oneof, property, record } from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { Scopes } from "../../../../src/primary/packets/scopes";

const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];
let scopes: Scopes<object>;
const numbers = new WeakMap<object, number>();

beforeEach(() => {
  scopes = new Scopes();
  for (const worker of [a, b, c]) numbers.delete(worker);
});

/** The worker makes a server; returns its local number. */
function open(worker: object, path: string, address?: string): number {
  const local = numbers.get(worker) ?? 0;
  numbers.set(worker, local + 1);
  expect(scopes.open(worker, local, path, address)).toBeInstanceOf(Array);
  return local;
}

const scopeOf = (worker: object, local: number) => scopes.globalOf(worker, local);

test("servers of one path are one scope, those of different paths are strangers", () => {
  const [chat, admin] = [open(a, "/chat"), open(a, "/admin")];
  const [adminOfB, chatOfB] = [open(b, "/admin"), open(b, "/chat")];
  expect(scopeOf(b, chatOfB)).toBe(scopeOf(a, chat));
  expect(scopeOf(b, adminOfB)).toBe(scopeOf(a, admin));
  expect(scopeOf(a, chat)).not.toBe(scopeOf(a, admin));
});

test("a worker is told the scope of the server that it opened", () => {
  expect(scopes.open(a, 0, "/a")).toEqual([{ worker: a, local: 0, global: 1, former: undefined }]);
  expect(scopes.open(a, 1, "/b")).toEqual([{ worker: a, local: 1, global: 2, former: undefined }]);
});

test("several servers of one path in a worker are matched in the order in which they were made", () => {
  const [first, second] = [open(a, "/"), open(a, "/")];
  expect(scopeOf(a, first)).not.toBe(scopeOf(a, second));
  const [firstOfB, secondOfB, thirdOfB] = [open(b, "/"), open(b, "/"), open(b, "/")];
  expect(scopeOf(b, firstOfB)).toBe(scopeOf(a, first));
  expect(scopeOf(b, secondOfB)).toBe(scopeOf(a, second));
  expect(scopeOf(a, open(a, "/"))).toBe(scopeOf(b, thirdOfB));
});

test("the address decides, whatever the order", () => {
  const [main, metrics] = [open(a, "/", "port 3000"), open(a, "/", "port 3001")];
  const [metricsOfB, mainOfB] = [open(b, "/", "port 3001"), open(b, "/", "port 3000")];
  expect(scopeOf(b, mainOfB)).toBe(scopeOf(a, main));
  expect(scopeOf(b, metricsOfB)).toBe(scopeOf(a, metrics));
});

test("a server of an address that nobody else has takes no other server's place", () => {
  const [main, metrics] = [open(a, "/", "port 3000"), open(a, "/", "port 3001")];
  const [extra, mainOfB, metricsOfB] = [
    open(b, "/", "port 3002"),
    open(b, "/", "port 3000"),
    open(b, "/", "port 3001"),
  ];
  expect(scopeOf(b, mainOfB)).toBe(scopeOf(a, main));
  expect(scopeOf(b, metricsOfB)).toBe(scopeOf(a, metrics));
  expect([scopeOf(a, main), scopeOf(a, metrics)]).not.toContain(scopeOf(b, extra));
});

test("with a port per instance the order decides", () => {
  const [main, metrics] = [open(a, "/", "port 4000"), open(a, "/", "port 5000")];
  const [mainOfB, metricsOfB] = [open(b, "/", "port 4001"), open(b, "/", "port 5001")];
  expect(scopeOf(b, mainOfB)).toBe(scopeOf(a, main));
  expect(scopeOf(b, metricsOfB)).toBe(scopeOf(a, metrics));
});

test("an address that becomes known later corrects the order, and the worker is told", () => {
  const [main, metrics] = [open(a, "/", "port 3000"), open(a, "/", "port 3001")];
  const [metricsOfB, mainOfB] = [open(b, "/"), open(b, "/")];
  expect(scopeOf(b, metricsOfB)).toBe(scopeOf(a, main));
  const changes = scopes.setAddress(b, metricsOfB, "port 3001");
  expect(changes).toEqual([
    { worker: b, local: metricsOfB, global: scopeOf(a, metrics), former: scopeOf(a, main) },
    { worker: b, local: mainOfB, global: scopeOf(a, main), former: scopeOf(a, metrics) },
  ]);
  expect(scopes.setAddress(b, mainOfB, "port 3000")).toEqual([]);
});

test("but a server that has clients stays where it is", () => {
  const [main, metrics] = [open(a, "/", "port 3000"), open(a, "/", "port 3001")];
  const [metricsOfB, mainOfB] = [open(b, "/"), open(b, "/")];
  scopes.use(b, metricsOfB);
  expect(scopes.setAddress(b, metricsOfB, "port 3001")).toEqual([]);
  expect(scopeOf(b, metricsOfB)).toBe(scopeOf(a, main));
  expect(scopeOf(b, mainOfB)).toBe(scopeOf(a, metrics));
});

test("a closed server is of no scope, and a later one of its path takes that up", () => {
  const first = open(a, "/");
  const scope = scopeOf(a, first);
  scopes.use(a, first);
  expect(scopes.has(a, scope!)).toBe(true);
  expect(scopes.close(a, first)).toEqual([]);
  expect(scopes.has(a, scope!)).toBe(false);
  expect(scopeOf(a, first)).toBe(undefined);
  expect(scopes.isKnown(a, first)).toBe(true);
  const second = open(a, "/");
  expect(second).not.toBe(first);
  expect(scopeOf(a, second)).toBe(scope);
});

test("a server that takes over from one which is closed after it joins the others' scope", () => {
  const [former, ofB] = [open(a, "/"), open(b, "/")];
  for (const [worker, local] of [
    [a, former],
    [b, ofB],
  ] as const)
    scopes.use(worker, local);
  const next = open(a, "/");
  expect(scopeOf(a, next)).not.toBe(scopeOf(b, ofB));
  expect(scopes.close(a, former)).toMatchObject([{ local: next, global: scopeOf(b, ofB) }]);
});

test("the next process of a worker that was alone finds its scopes again, by address or by order", () => {
  const [main, metrics] = [open(a, "/", "port 3000"), open(a, "/", "port 3001")].map((each) =>
    scopeOf(a, each),
  );
  scopes.left(a);
  expect(scopeOf(a, 0)).toBe(undefined);
  expect(scopeOf(b, open(b, "/", "port 3001"))).toBe(metrics);
  expect(scopeOf(b, open(b, "/", "port 3000"))).toBe(main);
  scopes.left(b);
  expect([open(c, "/"), open(c, "/")].map((each) => scopeOf(c, each))).toEqual([main, metrics]);
});

test("a worker's numbers are those that come next, up to a thousand at a time", () => {
  expect(scopes.open(a, 1, "/")).toBe("scope 1 where 0 comes next");
  for (let i = 0; i < 1000; i++) open(a, `/${i}`);
  expect(scopes.open(a, 1000, "/more")).toBe("more than 1000 open scopes");
  expect(scopes.isKnown(a, 1000)).toBe(false);
  scopes.close(a, 3);
  open(a, "/more");
});

test("what nobody has open any more is remembered within bounds", () => {
  for (let i = 0; i < 5000; i++) scopes.close(a, open(a, `/${i}`));
  expect(scopes.size).toBe(1000);
  expect(scopeOf(a, open(a, "/4999"))).toBe(5000);
  expect(scopeOf(a, open(a, "/0"))).toBe(5001);
});

test("workers disagree that have several servers of a path, but not the same number", () => {
  open(a, "/chat");
  open(b, "/chat");
  open(b, "/admin");
  expect(scopes.disagreements()).toEqual([]);
  open(a, "/chat");
  expect(scopes.disagreements()).toEqual([{ path: "/chat", least: 1, most: 2 }]);
  open(b, "/chat");
  expect(scopes.disagreements()).toEqual([]);
});

test("whatever happens, no two servers of a worker share a scope, and none of different paths", () => {
  const workers = [a, b, c];
  const steps = array(
    record({
      worker: nat(2),
      what: constantFrom("open", "open", "open", "close", "address", "use", "left"),
      path: constantFrom("/x", "/y"),
      address: oneof(constantFrom(undefined), nat(3).map(String)),
      which: nat(5),
    }),
    { maxLength: 60 },
  );
  assert(
    property(steps, (steps) => {
      scopes = new Scopes();
      const next = new Map<object, number>();
      const live = new Map<object, Map<number, string>>(workers.map((worker) => [worker, new Map()]));
      const told = new Map<object, Map<number, number>>(workers.map((worker) => [worker, new Map()]));
      for (const { worker: i, what, path, address, which } of steps) {
        const worker = workers[i]!;
        const open = live.get(worker)!;
        const local = [...open.keys()][which];
        let changes: ReturnType<typeof scopes.open> = [];
        if (what === "open") {
          const number = next.get(worker) ?? 0;
          next.set(worker, number + 1);
          open.set(number, path);
          changes = scopes.open(worker, number, path, address);
        } else if (what === "left") {
          scopes.left(worker);
          for (const map of [open, told.get(worker)!]) map.clear();
          next.delete(worker);
        } else if (local === undefined) continue;
        else if (what === "address") changes = scopes.setAddress(worker, local, address ?? "0");
        else if (what === "use") scopes.use(worker, local);
        else {
          changes = scopes.close(worker, local);
          open.delete(local);
          told.get(worker)!.delete(local);
        }
        for (const change of changes as Exclude<typeof changes, string>) {
          expect(told.get(change.worker)!.get(change.local)).toBe(change.former);
          told.get(change.worker)!.set(change.local, change.global);
        }
        const paths = new Map<number, string>();
        for (const each of workers) {
          const globals = [...live.get(each)!].map(([number, path]) => {
            const global = scopes.globalOf(each, number)!;
            expect(told.get(each)!.get(number)).toBe(global);
            expect(paths.get(global) ?? path).toBe(path);
            paths.set(global, path);
            return global;
          });
          expect(new Set(globals).size).toBe(globals.length);
        }
      }
    }),
    { numRuns: 300 },
  );
});
