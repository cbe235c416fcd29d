import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { client, fetchPlain, isServedAsCluster, refuses } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";
import { ecosystem } from "../helpers/workers";

/** A worker that calls `setupWorker`, and `listen` in some order; what `listen` tells is answered to requests. */
const worker = (order: string) => `
const { createServer } = require("http");
const { Server } = require("socket.io");
const told = { callback: [] };
const server = createServer((req, res) => res.end(JSON.stringify({ ...told, now: server.address() })));
const io = new Server(server);
io.adapter(require("@socket.io/cluster-adapter").createAdapter());
io.on("connection", (socket) => {
  socket.on("who", (answer) => answer(process.pid));
  socket.on("all", (text) => io.emit("text", text));
});
const setUp = () => require("@socket.io/sticky").setupWorker(io);
const listen = () => server.listen(PORT_OF_TEST, () => told.callback.push(server.address()));
const later = (ms, act) => setTimeout(act, ms);
${order}`;

test.each([
  ["in the same turn, before it", "listen(); setUp();"],
  ["in the same turn, after it", "setUp(); listen();"],
  ["after an await, before it", "listen(); Promise.resolve().then(setUp);"],
  ["some turns before it", "listen(); later(300, setUp);"],
  ["while it is under way", "listen(); setImmediate(() => setImmediate(setUp));"],
  ["500 ms after it", "setUp(); later(500, listen);"],
  ["long after it", "setUp(); later(2500, listen);"],
])("setupWorker and a `listen` %s: the app is served where it asked to be", async (_, order) => {
  const daemon = new Daemon({ PM2_PORT: String(await freePort()) });
  const port = await freePort();
  // Loaded first, as all apps do.
  const source = `require("@socket.io/sticky");${worker(order)}`.replace("PORT_OF_TEST", String(port));
  daemon.write("worker.js", source);
  await daemon.pm2("start", "worker.js", "-i", "2");
  const isServed = async () => {
    await until(async () => !(await refuses(port)) || undefined, "the port to be open");
    await until(async () => {
      const [app] = await daemon.sticky();
      return app?.listener === `port ${port}` &&
        app.workers.filter(({ state }) => state === "ready").length === 2
        ? true
        : undefined;
    }, "both workers to be there");
    await isServedAsCluster(port);
    const address = { address: "::", family: "IPv6", port };
    expect(JSON.parse((await fetchPlain(port)).body)).toEqual({ callback: [address], now: address });
  };
  await isServed();
  // A later worker finds the port in use: by the daemon, for the workers that are there.
  expect((await daemon.pm2("reload", "worker")).code).toBe(0);
  await isServed();
  expect((await daemon.list()).map(({ pm2_env }) => pm2_env.restart_time)).toEqual([1, 1]);
});

test("setupWorker without a `listen` is served at the default address; only the first start waits", async () => {
  const port = await freePort();
  const daemon = new Daemon({ PM2_PORT: String(port) });
  daemon.write("worker.js", worker("setUp();").replace("PORT_OF_TEST", "0"));
  await daemon.pm2("start", "worker.js", "-i", "2", "--name", "app");
  await daemon.ready(2);
  await isServedAsCluster(port);
  expect((await daemon.pm2("reload", "app")).code).toBe(0);
  await isServedAsCluster(port);
});

test("a reload waits for the server with Socket.IO, not for one of metrics that listens first", async () => {
  const daemon = new Daemon();
  const [metrics, port] = [await freePort(), await freePort()];
  daemon.write(
    "worker.js",
    `require("http").createServer((req, res) => res.end("metrics")).listen(${metrics});
    ${worker("later(2000, () => { setUp(); listen(); });").replace("PORT_OF_TEST", String(port))}`,
  );
  await daemon.pm2("start", "worker.js", "-i", "2", "--name", "app");
  await until(async () => !(await refuses(port)) || undefined, "the port to be open");
  await daemon.ready(2);
  const answers: number[] = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      answers.push((await fetchPlain(port).catch(() => ({ status: 0 }))).status);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  expect((await daemon.pm2("reload", "app")).code).toBe(0);
  isOver = true;
  await asking;
  expect(new Set(answers)).toEqual(new Set([200]));
  expect((await fetchPlain(metrics)).body).toBe("metrics");
});

/** Socket.IO is attached by a request, as in an API route of Next.js. */
const LAZY = `
let io;
const server = require("http").createServer((req, res) => {
  if (req.url === "/attach") attach();
  res.end(String(process.pid));
});
const attach = () => {
  if (io) return;
  io = new (require("socket.io").Server)(server, { path: "/api/socketio" });
  io.on("connection", (socket) => {
    socket.on("who", (answer) => answer(process.pid));
  });
};
server.listen(PORT_OF_TEST);`;

test("Socket.IO may be attached by a request: pages are served before, and after a restart, crash and reload", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("app.js", LAZY.replace("PORT_OF_TEST", String(port)));
  daemon.write(
    "ecosystem.config.js",
    ecosystem({
      name: "app",
      script: "app.js",
      instances: 2,
      exec_mode: "cluster",
      sticky: { startTimeout: 5000 },
    }),
  );
  await daemon.pm2("start", "ecosystem.config.js");
  await daemon.ready(2);
  const { body: pid } = await fetchPlain(port, "/attach");
  // Only one of them has Socket.IO: whoever asks for that gets there.
  for (let i = 0; i < 4; i++) {
    const { status, body } = await fetchPlain(port, "/api/socketio/?EIO=4&transport=polling");
    expect(status, body).toBe(200);
  }
  process.kill(Number(pid), "SIGKILL");
  await daemon.ready(2);
  expect((await fetchPlain(port)).status).toBe(200);
  expect((await daemon.pm2("restart", "app")).code).toBe(0);
  expect((await fetchPlain(port)).status).toBe(200);
  expect((await daemon.pm2("reload", "app")).code).toBe(0);
  expect((await fetchPlain(port)).status).toBe(200);
});

test("the same address twice in one worker is in use, as in Node", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write(
    "app.js",
    `const { createServer } = require("http");
    const server = createServer((req, res) => res.end(String(error?.code)));
    new (require("socket.io").Server)(server);
    let error;
    server.listen(${port});
    createServer().listen(${port}).on("error", (refused) => { error = refused; });`,
  );
  await daemon.pm2("start", "app.js", "-i", "1", "--sticky");
  await daemon.ready(1);
  expect((await fetchPlain(port)).body).toBe("EADDRINUSE");
});

test("options of `listen` have their effect: a signal closes the server, and its port; exclusive keeps us out", async () => {
  const daemon = new Daemon();
  const [port, own] = [await freePort(), await freePort()];
  daemon.write(
    "app.js",
    `const { createServer } = require("http");
    const { Server } = require("socket.io");
    const stop = new AbortController();
    const server = createServer((req, res) => {
      res.setHeader("connection", "close").end("ok");
      if (req.url === "/stop") stop.abort();
    });
    new Server(server);
    server.listen({ port: ${port}, host: "127.0.0.1", signal: stop.signal });
    createServer((req, res) => res.end("by itself")).listen({ port: ${own}, exclusive: true });`,
  );
  await daemon.pm2("start", "app.js", "-i", "1", "--sticky");
  await daemon.ready(1);
  expect((await fetchPlain(own)).body).toBe("by itself");
  expect((await daemon.sticky())[0]!.addresses.map(({ listener }) => listener)).toEqual([
    `127.0.0.1:${port}`,
  ]);
  expect((await fetchPlain(port, "/stop", "127.0.0.1")).body).toBe("ok");
  await until(async () => (await refuses(port)) || undefined, "the port to be closed");
});

test("a reload waits for Socket.IO that is attached some time after the server listens", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write(
    "app.js",
    `const server = require("http").createServer();
    server.listen(${port});
    setTimeout(() => {
      const io = new (require("socket.io").Server)(server, { connectionStateRecovery: {} });
      io.on("connection", (socket) => socket.on("who", (answer) => answer(process.pid)));
      console.log("attached");
    }, 2500);`,
  );
  await daemon.pm2("start", "app.js", "-i", "2", "--sticky");
  // Until then the server has nobody who answers a request.
  const logs = [0, 1].map((worker) => `${daemon.home}/logs/app-out-${worker}.log`);
  await until(
    () => logs.every((log) => existsSync(log) && readFileSync(log, "utf8").includes("attached")) || undefined,
    "both workers to have attached Socket.IO",
  );
  const clients = ["polling", "websocket"].map((transport) => client(port, { transports: [transport] }));
  let disconnects = 0;
  for (const each of clients) {
    await each.timeout(10_000).emitWithAck("who");
    each.on("disconnect", () => disconnects++);
  }
  expect((await daemon.pm2("reload", "app")).code).toBe(0);
  for (const each of clients) expect(await each.timeout(5000).emitWithAck("who")).toBeGreaterThan(0);
  expect(disconnects).toBe(0);
});
