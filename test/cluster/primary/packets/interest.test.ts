import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import type { WorkerStatus } from "../../../../src/primary/status";
import { connectedClients } from "../../../helpers/clients";
import { type Cluster, LINKS, startCluster } from "../../../helpers/cluster";
import { askedPrimary } from "../../../helpers/primary";
import { heard, run, SCRIPTED, threeWorkers } from "../../../helpers/relay";

const ROUNDS = 2000;

/** How many frames were relayed to the worker of each client. */
async function relayed(cluster: Cluster, clients: Socket[]): Promise<number[]> {
  const pids = await Promise.all(clients.map((client) => client.emitWithAck("who")));
  const workers = await cluster.ask<WorkerStatus[]>("statusOf(app).workers");
  return pids.map((pid) => workers.find((worker) => worker.pid === pid)!.framesRelayed);
}

/** How many frames `code`, run in the first client's worker, sends to the worker of each client. */
async function framesOf(cluster: Cluster, clients: Socket[], code: string): Promise<number[]> {
  // What was said before is through when everybody hears a broadcast.
  await heard(clients, "0");
  const before = await relayed(cluster, clients);
  await run(clients[0]!, code);
  await heard(clients, "0");
  const after = await relayed(cluster, clients);
  // `heard` itself sends one to each of the others.
  return after.map((frames, i) => frames - before[i]! - (i === 0 ? 0 : 1));
}

test.each(LINKS)("a packet travels only to the workers with a member of its rooms (%o)", async (link) => {
  const { cluster, clients } = await threeWorkers({ ...link, primary: askedPrimary({}) });
  const frames = (code: string) => framesOf(cluster, clients, code);
  const [, second, third] = clients;
  await run(second!, `socket.join(["a", "b"]); 0`);
  await run(third!, `socket.join("b"); 0`);

  expect(await frames(`io.to("a").emit("x")`)).toEqual([0, 1, 0]);
  expect(await frames(`io.to("b").emit("x")`)).toEqual([0, 1, 1]);
  expect(await frames(`io.to(["a", "b"]).emit("x")`)).toEqual([0, 1, 1]);
  expect(await frames(`io.to("nobody").emit("x")`)).toEqual([0, 0, 0]);
  expect(await frames(`io.of("/other").to("a").emit("x")`)).toEqual([0, 0, 0]);
  expect(await frames(`io.to("${third!.id}").emit("x")`)).toEqual([0, 0, 1]);
  expect(await frames(`io.local.emit("x")`)).toEqual([0, 0, 0]);
  expect(await frames(`io.emit("x")`)).toEqual([0, 1, 1]);

  await run(second!, `socket.leave("a"); 0`);
  expect(await frames(`io.to("a").emit("x")`)).toEqual([0, 0, 0]);
  const { id } = third!;
  third!.disconnect();
  await cluster.until(() => third!.disconnected, "the client's end");
  await run(
    clients[0]!,
    `new Promise((resolve) => { (async function look() {
    const left = await io.in("${id}").fetchSockets();
    if (left.length === 0) resolve(0); else setImmediate(look);
  })(); })`,
  );
  const rest = [clients[0]!, second!];
  expect(await framesOf(cluster, rest, `io.to("${id}").emit("x"); io.to("b").emit("x")`)).toEqual([0, 1]);
});

test.each(LINKS)(
  "a packet to be answered travels only to the workers with a member, and none waits for others (%o)",
  async (link) => {
    const { cluster, clients } = await threeWorkers({ ...link, primary: askedPrimary({}) });
    const frames = (code: string) => framesOf(cluster, clients, code);
    for (const client of clients) client.on("ask", (answer) => answer(client.id));
    const [, second, third] = clients;
    await run(second!, `socket.join("a"); 0`);
    // Its own number of clients, and their answers, come back to the first.
    expect(await frames(`io.to("${third!.id}").timeout(8000).emitWithAck("ask")`)).toEqual([2, 0, 1]);
    expect(await frames(`io.to("a").timeout(8000).emitWithAck("ask")`)).toEqual([2, 1, 0]);
    expect(await frames(`io.to(socket.id).timeout(8000).emitWithAck("ask")`)).toEqual([0, 0, 0]);
    expect(await frames(`io.to("nobody").timeout(8000).emitWithAck("ask")`)).toEqual([0, 0, 0]);
    expect(await frames(`io.timeout(8000).emitWithAck("ask")`)).toEqual([4, 1, 1]);
    const answers = await run(clients[0]!, `io.to("a").to(socket.id).timeout(8000).emitWithAck("ask")`);
    expect((answers as string[]).sort()).toEqual([clients[0]!.id, second!.id].sort());
  },
);

test.each(LINKS)("a packet for all clients travels only to the workers with a client (%o)", async (link) => {
  const { cluster, clients } = await threeWorkers({ ...link, primary: askedPrimary({}) });
  const frames = (code: string) => framesOf(cluster, clients, code);
  const there = await connectedClients(cluster.port, 3, { namespace: "/other" });
  const workers = await Promise.all(clients.map((client) => client.emitWithAck("who")));
  const pids = await run(
    clients[0]!,
    `io.of("/other").fetchSockets().then((all) => all.map(({ data }) => data.pid))`,
  );
  const has = workers.map((pid) => (pids as number[]).includes(pid));
  expect(await frames(`io.of("/other").emit("x")`)).toEqual([0, has[1] ? 1 : 0, has[2] ? 1 : 0]);
  for (const client of there) client.disconnect();
  await run(
    clients[0]!,
    `new Promise((resolve) => { (async function look() {
    if ((await io.of("/other").fetchSockets()).length === 0) resolve(0); else setImmediate(look);
  })(); })`,
  );
  expect(await frames(`io.of("/other").emit("x")`)).toEqual([0, 0, 0]);
  // Who has left all rooms is still one of them.
  await run(clients[1]!, `socket.leave(socket.id); 0`);
  expect(await heard(clients, `io.emit("event", 1)`)).toEqual([1, 1, 1]);
});

test.each(LINKS)(
  "a client that was told that it has joined hears what is sent next by any worker (%o)",
  async (link) => {
    const { cluster, clients } = await threeWorkers(link);
    const [joiner, ...senders] = clients;
    const got: number[] = [];
    joiner!.on("round", (i: number) => got.push(i));
    for (let i = 0; i < ROUNDS; i++) {
      await run(joiner!, `socket.join("r${i}"); 0`);
      await run(senders[i % 2]!, `io.to("r${i}").emit("round", ${i}); 0`);
    }
    await cluster.until(() => got.includes(ROUNDS - 1) && got.includes(ROUNDS - 2), "the last rounds");
    // Two senders: their order among each other is not promised without recovery.
    expect(got.sort((a, b) => a - b)).toEqual([...Array(ROUNDS).keys()]);
  },
);

/** A worker whose parser is Socket.IO's own, but counts the events called "counted" that it encodes and decodes. */
const COUNTING = SCRIPTED.replace(
  "const io = new Server(httpServer, {",
  `const base = require("socket.io-parser");
const counts = { encoded: 0, decoded: 0 };
class Encoder extends base.Encoder {
  encode(packet) {
    if (packet.data?.[0] === "counted") counts.encoded++;
    return super.encode(packet);
  }
}
class Decoder extends base.Decoder {
  add(part) {
    if (String(part).includes('"counted"')) counts.decoded++;
    super.add(part);
  }
}
const io = new Server(httpServer, { parser: { Encoder, Decoder },`,
);

test("a broadcast is encoded once in the cluster, and decoded by no worker", async () => {
  const cluster = await startCluster(COUNTING, { workers: 3 });
  const clients = await connectedClients(cluster.port, 1);
  while (clients.length < 6) clients.push(...(await connectedClients(cluster.port, 1)));
  expect(await heard(clients, `io.emit("counted", "value")`, "counted")).toEqual(Array(6).fill("value"));
  const counts = new Map<number, { encoded: number; decoded: number }>();
  for (const client of clients) {
    const pid = (await client.emitWithAck("who")) as number;
    counts.set(pid, (await run(client, "counts")) as never);
  }
  expect(counts.size).toBe(3);
  const sum = (key: "encoded" | "decoded") => [...counts.values()].reduce((all, each) => all + each[key], 0);
  expect(sum("encoded")).toBe(1);
  // The code that the first client sent names the event as well.
  expect(sum("decoded")).toBe(0);
});
