import type { Socket } from "socket.io-client";
import * as parser from "socket.io-msgpack-parser";
import { describe, expect, test } from "vitest";
import { connected, connectedClients, hears } from "../../../helpers/clients";
import { startCluster } from "../../../helpers/cluster";
import { heard, run, SCRIPTED } from "../../../helpers/relay";

const RECOVERY = "connectionStateRecovery: { maxDisconnectionDuration: 60_000 },";
const PARSER = `parser: require("socket.io-msgpack-parser"),`;
const LISTENING = `
io.on("connection", (socket) => {
  socket.outgoing = [];
  socket.onAnyOutgoing((event, ...args) => socket.outgoing.push([event, args[0]]));
});`;

async function threeClients(options: string, clientOptions: object) {
  const code = SCRIPTED.replace("new Server(httpServer, {", `new Server(httpServer, { ${options}`);
  const cluster = await startCluster(code + LISTENING, { workers: 3 });
  const clients: Socket[] = [];
  for (let i = 0; i < 3; i++) clients.push(...(await connectedClients(cluster.port, 1, clientOptions)));
  return { cluster, clients };
}

const PARSERS = [
  ["Socket.IO's parser", {}, ""],
  ["MessagePack", { parser }, PARSER],
] as const;
const SERVERS = PARSERS.flatMap(
  ([name, client, options]) =>
    [
      [name, client, options],
      [`${name} and recovery`, client, options + RECOVERY],
    ] as const,
);

describe.each(SERVERS)("with %s", (_, client, options) => {
  test("clients hear what is sent to them, binary or not, and onAnyOutgoing sees it", async () => {
    const { clients } = await threeClients(options, client);
    expect(await heard(clients, `io.emit("event", { a: [1, "é", null] })`)).toEqual(
      Array(3).fill({ a: [1, "é", null] }),
    );
    const [bytes] = await heard(clients.slice(1), `io.emit("event", Buffer.from([0, 1, 255]))`);
    expect(Buffer.from(bytes as Uint8Array)).toEqual(Buffer.from([0, 1, 255]));
    for (const client of clients) {
      const outgoing = (await run(client, "socket.outgoing")) as [string, unknown][];
      expect(outgoing.map(([event]) => event)).toEqual(["event", "after", "event", "after"]);
      expect(outgoing[0]![1]).toEqual({ a: [1, "é", null] });
    }
  });

  test("the rooms 1 and '1' are two rooms", async () => {
    const { clients } = await threeClients(options, client);
    await run(clients[1]!, "socket.join(1); 0");
    await run(clients[2]!, `socket.join("1"); 0`);
    expect(await heard(clients, `io.to(1).emit("event", "n")`)).toEqual([undefined, "n", undefined]);
    expect(await heard(clients, `io.to("1").emit("event", "s")`)).toEqual([undefined, undefined, "s"]);
    expect(await heard(clients, `io.except(1).emit("event", "x")`)).toEqual(["x", undefined, "x"]);
  });

  test("what cannot be encoded is reported once, by its name, and harms nobody", async () => {
    const { cluster, clients } = await threeClients(options, client);
    const circular = `{ const round = {}; round.round = round; io.emit("circular", round); }`;
    await heard(clients, `${circular} ${circular}`);
    expect(await heard(clients, `io.emit("event", 1)`)).toEqual([1, 1, 1]);
    expect(cluster.output.match(/"circular" .*\[STICKY_UNSERIALIZABLE\]/gs)).toHaveLength(1);
    expect(cluster.output.match(/STICKY_UNSERIALIZABLE/g)).toHaveLength(1);
    expect(cluster.exited).toEqual([]);
  });
});

test.each(PARSERS)("with %s, a client that comes back finds what it missed", async (_, client, options) => {
  const { clients } = await threeClients(options + RECOVERY, client);
  const [sender, leaver] = clients;
  const got: unknown[] = [];
  leaver!.on("missed", (value) => got.push(typeof value === "number" ? value : Buffer.from(value)));
  await run(leaver!, `socket.join("room"); 0`);
  await heard([sender!, leaver!], `io.emit("event", 1)`);
  const left = hears(leaver!, "disconnect");
  leaver!.io.engine.close();
  await left;
  const back = connected(leaver!);
  await run(sender!, `io.to("room").emit("missed", 1); io.emit("missed", Buffer.from([2])); 0`);
  await back;
  expect(leaver!.recovered).toBe(true);
  await heard([sender!, leaver!], `io.to("room").emit("missed", 3)`);
  expect(got).toEqual([1, Buffer.from([2]), 3]);
});
