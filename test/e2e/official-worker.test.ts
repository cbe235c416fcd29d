import { io } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import { Daemon, freePort } from "../helpers/daemon";

const WORKER = `
const { createServer } = require("http");
const { Server } = require("socket.io");
const { setupWorker } = require("@socket.io/sticky");
const { createAdapter } = require("@socket.io/cluster-adapter");
const io = new Server(createServer());
io.adapter(createAdapter());
setupWorker(io);
io.on("connection", (socket) => {
  socket.on("who", (answer) => answer(process.pid));
  socket.on("all", (text) => io.emit("text", text));
});
`;

test("a worker written for the official packages runs unchanged, and its clients hear each other", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("worker.js", WORKER);
  expect((await daemon.pm2("start", "worker.js", "-i", "2", "--port", String(port))).code).toBe(0);
  await daemon.ready(2);

  const clients = ["polling", "websocket", "polling", "websocket"].map((transport) =>
    io(`http://localhost:${port}`, { transports: [transport], forceNew: true }),
  );
  onTestFinished(() => {
    for (const client of clients) client.close();
  });
  const pids = await Promise.all(clients.map((client) => client.timeout(5000).emitWithAck("who")));
  expect(new Set(pids).size).toBe(2);
  const heard = clients.map((client) => new Promise((resolve) => client.once("text", resolve)));
  clients[0]!.emit("all", "hello");
  expect(await Promise.all(heard)).toEqual(["hello", "hello", "hello", "hello"]);
});
