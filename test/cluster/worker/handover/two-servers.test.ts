import { expect, test } from "vitest";
import { connectedClients, hears } from "../../../helpers/clients";
import { LINKS, startCluster } from "../../../helpers/cluster";
import { until } from "../../../helpers/daemon";
import { askedPrimary } from "../../../helpers/primary";
import { RawClient } from "../../../helpers/raw-client";
import { run } from "../../../helpers/relay";
import { allHeard, listening, twoServersCode } from "../../../helpers/two-servers";

const RECOVERING = "{ connectionStateRecovery: {} }";
/** The server at "/a" refuses whoever has no token. */
const GUARDED = `${twoServersCode(RECOVERING, RECOVERING)}
servers["/b"].use((socket, next) => next());
servers["/a"].use((socket, next) => (socket.handshake.auth.token === "secret" ? next() : next(new Error("forbidden"))));
`;
const DRAIN_FIRST = `(() => { const [first] = [...app.workers].filter(({ state }) => state === "ready"); void first.drain(5000, 10000); return first.pid; })()`;

test.each(LINKS)("a session moves to its own server of the other worker (%o)", async (link) => {
  const primary = askedPrimary({ method: "round-robin" });
  const cluster = await startCluster(GUARDED, { ...link, primary });
  const a = await connectedClients(cluster.port, 4, { path: "/a", auth: { token: "secret" } });
  const b = await connectedClients(cluster.port, 4, { path: "/b" });
  const all = [...a, ...b];
  let disconnects = 0;
  for (const client of all) client.on("disconnect", () => disconnects++);
  for (const client of all) await run(client, `socket.join("room"); 0`);
  const before = await Promise.all(all.map((client) => client.emitWithAck("who")));
  expect(new Set(before).size).toBe(2);

  const drained = await cluster.ask<number>(DRAIN_FIRST);
  const workers = () => Promise.all(all.map((client) => client.timeout(5000).emitWithAck("who")));
  await until(async () => !(await workers()).includes(drained) || undefined, "the sessions to move");
  expect(disconnects).toBe(0);
  for (const client of all) expect(await run(client, "io.path()")).toBe(client.io.opts.path);
  const got = listening(all);
  await run(b[0]!, `io.to("room").emit("event", "b"); 0`);
  await run(a[0]!, `io.to("room").emit("event", "a"); 0`);
  await allHeard([a[0]!, b[0]!], all);
  expect(got).toEqual(all.map(({ io }) => [io.opts.path === "/a" ? "a" : "b"]));
});

/** Only the first worker has a server at "/b". */
const ONE_HAS_B = twoServersCode(RECOVERING, RECOVERING).replace(
  "const io = new Server(httpServer",
  `if (path === "/b" && require("node:cluster").worker.id > 1) continue;
  const io = new Server(httpServer`,
);

test("a session stays out of a worker that has no server of its own, and is closed", async () => {
  const primary = askedPrimary({ method: "round-robin" });
  const cluster = await startCluster(ONE_HAS_B, { primary });
  // Only the first worker has "/b", so its clients get there.
  const [b] = await connectedClients(cluster.port, 1, { path: "/b", reconnection: false });
  const first = await b!.emitWithAck("who");
  expect(first).toBe(cluster.forked[0]);
  const a = await until(async () => {
    const [each] = await connectedClients(cluster.port, 1, { path: "/a", reconnection: false });
    return (await each!.emitWithAck("who")) === first ? each : undefined;
  }, "a client of the other server on the same worker");
  const gone = hears(b!, "disconnect");
  expect(await cluster.ask(DRAIN_FIRST)).toBe(first);
  await gone;
  await until(async () => (await a!.emitWithAck("who")) !== first || undefined, "the other session to move");
  expect(await run(a!, "io.path()")).toBe("/a");
});

test("in a worker with recovery for one server, a client of the other that has no socket yet delays no drain", async () => {
  const primary = askedPrimary({ method: "round-robin", handover: { timeout: 8000 } });
  const cluster = await startCluster(twoServersCode(RECOVERING), { primary, workers: 2 });
  // Each worker has a session that was opened, and then says nothing more.
  const upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"];
  const key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
  for (let i = 0; i < 2; i++) {
    const silent = new RawClient({ port: cluster.port, host: "127.0.0.1" });
    silent.send("GET", "/b/?EIO=4&transport=websocket", undefined, [...upgrade, key]);
    expect((await silent.response()).status).toBe(101);
    // A close frame ends the connection, as it would with a client that speaks.
    silent.socket.on("data", (chunk: Buffer) => chunk.includes(0x88) && silent.socket.destroy());
  }
  const begin = performance.now();
  await cluster.ask(DRAIN_FIRST);
  const over = `[...app.workers].some(({ draining, state }) => state === "draining" && draining.over)`;
  await until(async () => (await cluster.ask(over)) || undefined, "the end of the drain");
  expect(performance.now() - begin).toBeLessThan(4000);
});
