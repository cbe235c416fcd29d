import { expect, test } from "vitest";
import { heard, run, threeWorkers } from "../helpers/relay";

test("a packet that cannot be encoded is reported once and harms nobody", async () => {
  const { cluster, clients } = await threeWorkers();
  const odd = `io.emit("odd", 1n)`;
  expect(await heard(clients, `${odd}; ${odd}`, "odd")).toEqual([undefined, undefined, undefined]);
  expect(await heard(clients, `io.emit("event", { toJSON: () => "plain" })`)).toEqual(Array(3).fill("plain"));
  expect(cluster.output.match(/STICKY_UNSERIALIZABLE/g)).toHaveLength(1);
  expect(cluster.output).toContain('"odd"');
  expect(cluster.exited).toEqual([]);
});

test("a message for other workers that cannot be sent is reported once", async () => {
  const { cluster, clients } = await threeWorkers();
  for (let i = 0; i < 2; i++) await run(clients[0]!, `io.serverSideEmit("note", () => {}, 1); 0`);
  await cluster.until(() => cluster.output.includes("STICKY_UNSERIALIZABLE"), "the report");
  expect(await heard(clients, `io.emit("event", 1)`)).toEqual([1, 1, 1]);
  expect(cluster.output.match(/STICKY_UNSERIALIZABLE/g)).toHaveLength(1);
  expect(cluster.exited).toEqual([]);
});

test("a question that cannot be encoded is an error for who asks, is reported once, and harms nobody", async () => {
  const { cluster, clients } = await threeWorkers();
  for (const odd of ["1n", "circular", "1n"]) {
    const asked = `const circular = {}; circular.itself = circular; io.timeout(500).emitWithAck("question", ${odd})`;
    await expect(run(clients[0]!, asked)).rejects.toThrow(/BigInt|circular|call stack/i);
  }
  expect(cluster.output.match(/STICKY_UNSERIALIZABLE/g)).toHaveLength(1);
  expect(cluster.output).toContain('"question"');
  expect(await heard(clients, `io.emit("event", 1)`)).toEqual([1, 1, 1]);
  expect(cluster.exited).toEqual([]);
});
