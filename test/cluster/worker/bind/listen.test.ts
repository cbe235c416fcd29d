import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { io } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import { connectedClients } from "../../../helpers/clients";
import { Cluster, startCluster } from "../../../helpers/cluster";
import { freePort, until } from "../../../helpers/daemon";

/** A worker that calls `setupWorker` and `listen` in some order, and tells what its callback was told. */
const worker = (port: number, order: string) => `
const { setupWorker } = require("pm2-socket.io/sticky");
const server = require("node:http").createServer((req, res) => res.end("ok"));
const io = new (require("socket.io").Server)(server);
io.adapter(require("pm2-socket.io/cluster-adapter").createAdapter());
io.on("connection", (socket) => socket.on("who", (answer) => answer(process.pid)));
const setUp = () => setupWorker(io);
const listen = () => server.listen(${port}, "127.0.0.1", () => process.send({ listens: server.address() }));
${order}`;

test.each([
  ["in the same turn, before it", "listen(); setUp();"],
  ["in the same turn, after it", "setUp(); listen();"],
  ["some turns before it", "listen(); setTimeout(setUp, 200);"],
  ["500 ms after it", "setUp(); setTimeout(listen, 500);"],
])("setupWorker and a `listen` %s: the worker is served where it asked to be", async (_, order) => {
  const port = await freePort();
  const cluster = await startCluster(worker(port, order));
  await cluster.until(() => cluster.messages.length === 2, "both callbacks");
  const address = { address: "127.0.0.1", family: "IPv4", port };
  expect(cluster.messages.map(({ message }) => message)).toEqual([
    { listens: address },
    { listens: address },
  ]);
  const pids = new Set<number>();
  await until(async () => {
    for (const client of await connectedClients(port, 2))
      pids.add(await client.timeout(2000).emitWithAck("who"));
    return pids.size === 2 || undefined;
  }, "both workers to answer");
});

test("an address that somebody else has is an error for a server that is not given to setupWorker", async () => {
  const holder = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void holder.close());
  await once(holder, "listening");
  const { port } = holder.address() as AddressInfo;
  // Nobody listens for errors, so it is an uncaught one, as in Node.
  const order = `process.on("uncaughtException", ({ code }) => process.send({ code })); listen();`;
  const cluster = new Cluster(worker(port, order), { workers: 1 });
  await cluster.until(() => cluster.messages.length === 1, "the error");
  expect(cluster.messages[0]!.message).toEqual({ code: "EADDRINUSE" });
});

test("the adapter's setupPrimary may come before that of sticky, whose method counts", async () => {
  const cluster = await startCluster(undefined, {
    workers: 3,
    primary: `
const cluster = require("node:cluster");
const { createServer } = require("node:http");
const { code, workers } = JSON.parse(process.env.OPTIONS);
cluster.setupPrimary({ exec: __filename, stdio: ["ignore", "inherit", "inherit", "ipc"] });
const httpServer = createServer();
require("pm2-socket.io/cluster-adapter").setupPrimary();
require("pm2-socket.io/sticky").setupPrimary(httpServer, { loadBalancingMethod: "round-robin" });
const tell = (message) => process.connected && process.send(message);
cluster.on("listening", (worker) => tell({ ready: worker.process.pid }));
process.on("disconnect", () => process.exit());
httpServer.listen(0, "127.0.0.1", () => {
  tell({ port: httpServer.address().port });
  for (let i = 0; i < workers; i++) tell({ forked: cluster.fork({ CODE: code }).process.pid });
});`,
  });
  // The least loaded would be the same one again, as it has no client any more.
  const pids: number[] = [];
  for (let i = 0; i < 3; i++) {
    const [client] = await connectedClients(cluster.port, 1);
    pids.push(await client!.timeout(2000).emitWithAck("who"));
    client!.close();
  }
  expect(new Set(pids).size).toBe(3);
});

test("a pipe of the primary's own is left to the app", async () => {
  const cluster = await startCluster(
    `
const fs = require("node:fs");
const io = new (require("socket.io").Server)();
io.adapter(require("pm2-socket.io/cluster-adapter").createAdapter());
setInterval(() => fs.writeSync(4, "a line of the app's own protocol\\n"), 50);
const { createServer } = require("node:net");
createServer().listen(0);`,
    {
      workers: 1,
      primary: `
const cluster = require("node:cluster");
const { code } = JSON.parse(process.env.OPTIONS);
require("pm2-socket.io/cluster-adapter").setupPrimary();
cluster.setupPrimary({ exec: __filename, stdio: ["ignore", "inherit", "inherit", "ipc", "pipe"] });
const tell = (message) => process.connected && process.send(message);
cluster.on("listening", (worker) => tell({ ready: worker.process.pid }));
cluster.on("exit", (worker) => tell({ exited: worker.process.pid }));
process.on("disconnect", () => process.exit());
const worker = cluster.fork({ CODE: code });
tell({ forked: worker.process.pid });
let heard = "";
worker.process.stdio[4].on("data", (bytes) => { heard += bytes; tell({ from: 0, message: heard.length }); });`,
    },
  );
  await cluster.until(() => Number(cluster.messages.at(-1)?.message) > 200, "the app's own lines");
  expect(cluster.exited).toEqual([]);
});

test("a second server may be given to setupWorker once it listens; without, the error says to call listen", async () => {
  const [first, second] = [await freePort(), await freePort()];
  const cluster = await startCluster(`
const { createServer } = require("node:http");
const { Server } = require("socket.io");
const { setupWorker } = require("pm2-socket.io/sticky");
const [a, b, c] = ["/a", "/b", "/c"].map((path) => new Server(createServer(), { path }));
for (const io of [a, b]) io.on("connection", (socket) => socket.on("who", (answer) => answer(process.pid)));
a.httpServer.listen(${first}, "127.0.0.1");
setupWorker(a);
b.httpServer.listen(${second}, "127.0.0.1", () => process.send("both"));
setupWorker(b);
try { setupWorker(c); } catch ({ code }) { process.send(code); }`);
  await cluster.until(() => cluster.messages.length === 4, "both workers to say what they have to");
  const said = cluster.messages.map(({ message }) => message);
  expect(new Set(said)).toEqual(new Set(["STICKY_SECOND_SERVER", "both"]));
  for (const [port, path] of [
    [first, "/a"],
    [second, "/b"],
  ] as const) {
    const client = io(`http://127.0.0.1:${port}`, { path, forceNew: true });
    onTestFinished(() => void client.close());
    expect(cluster.forked).toContain(await client.timeout(5000).emitWithAck("who"));
  }
});
