import { array, assert, constantFrom, property } from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { Outbox } from "../../../../src/worker/link/outbox";

let outbox: Outbox;
let written: string[];
let client: { writeToEngine(packets: unknown, options?: unknown): void };

beforeEach(() => {
  outbox = new Outbox();
  written = [];
  client = newClient();
});

function newClient(name = "") {
  const fresh = { writeToEngine: (packets: unknown) => void written.push(name + packets) };
  outbox.connects(fresh, () => {});
  fresh.writeToEngine("connect");
  written.length = 0;
  return fresh;
}

/** Emits a kept packet for the client. */
function emit(name: string): void {
  outbox.send({
    deliver: (order) => client.writeToEngine(order === undefined ? name : `${name}@${order}`),
    deliverTo: () => client.writeToEngine(`${name}!`),
  });
}

test("what is written while nothing is on its way passes", () => {
  client.writeToEngine("a");
  expect(written).toEqual(["a"]);
});

test("what is written after a kept packet waits until that is back", () => {
  emit("a");
  client.writeToEngine("b");
  emit("c");
  client.writeToEngine("d");
  expect(written).toEqual([]);
  expect(outbox.holds(client)).toBe(true);
  outbox.cameBack(7);
  expect(written).toEqual(["a@7", "b"]);
  outbox.cameBack(9);
  expect(written).toEqual(["a@7", "b", "c@9", "d"]);
  expect(outbox.holds(client)).toBe(false);
});

test("what comes from the primary passes, and what a new client is told first", () => {
  emit("a");
  outbox.writeInPlace(() => client.writeToEngine("from elsewhere"));
  const other = { writeToEngine: (packets: unknown) => void written.push(String(packets)) };
  outbox.connects(other, () => other.writeToEngine("missed"));
  other.writeToEngine("connect");
  other.writeToEngine("later");
  expect(written).toEqual(["from elsewhere", "connect", "missed"]);
  outbox.cameBack(1);
  expect(written).toEqual(["from elsewhere", "connect", "missed", "a@1", "later"]);
});

test("a socket that leaves for good gets what is on its way, in order, and nobody else does", () => {
  const other = newClient("other:");
  emit("a");
  client.writeToEngine("b");
  other.writeToEngine("x");
  emit("c");
  client.writeToEngine("d");
  outbox.flush(client, "sid");
  expect(written).toEqual(["a!", "b", "c!", "d"]);
  written.length = 0;
  outbox.cameBack(1);
  expect(written).toEqual(["a@1", "other:x"]);
});

test("when nothing comes back any more, all is written in order, without a place", () => {
  emit("a");
  client.writeToEngine("b");
  emit("c");
  outbox.giveUp();
  expect(written).toEqual(["a", "b", "c"]);
  client.writeToEngine("d");
  expect(written.at(-1)).toBe("d");
});

test("a client whose way to write is not known gets what it missed all the same", async () => {
  let done = false;
  outbox.connects({}, () => {
    done = true;
  });
  await new Promise(process.nextTick);
  expect(done).toBe(true);
});

test("whatever is written and comes back when, the program's order is kept", () => {
  assert(
    property(array(constantFrom("emit", "write", "back"), { maxLength: 40 }), (steps) => {
      outbox = new Outbox();
      client = newClient();
      const program: string[] = [];
      steps.forEach((step, i) => {
        if (step === "back") outbox.cameBack(i);
        else program.push(String(i));
        if (step === "emit") emit(String(i));
        if (step === "write") client.writeToEngine(String(i));
      });
      while (!outbox.isEmpty) outbox.cameBack(0);
      expect(written.map((name) => name.split("@")[0])).toEqual(program);
    }),
  );
});
