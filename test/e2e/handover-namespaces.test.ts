import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { until } from "../helpers/daemon";
import { startApp } from "../helpers/planned-stops";

/** Decides about clients of three of its namespaces, one of them dynamic, when the file is there. */
const SOURCE = `
const { existsSync } = require("fs");
const { createServer } = require("http");
const { Server } = require("socket.io");
const { setupWorker } = require("@socket.io/sticky");
const { createAdapter } = require("@socket.io/cluster-adapter");
const io = new Server(createServer(), { connectionStateRecovery: {}, adapter: createAdapter() });
const opened = (then) => (existsSync("opened") ? then() : setTimeout(opened, 10, then));
const who = (socket) => socket.on("who", (answer) => answer(process.pid));
io.on("connection", who);
io.of("/slow").use((socket, next) => opened(next)).on("connection", who);
io.of("/closed").use((socket, next) => opened(() => next(new Error("not you"))));
io.of((name, auth, next) => opened(() => next(null, name === "/dynamic"))).on("connection", who);
setupWorker(io);`;

test("a namespace that is still connecting when its session moves is neither lost nor refused", async () => {
  const { daemon, port } = await startApp(
    SOURCE,
    1,
    { handover: { timeout: 30_000 } },
    { kill_timeout: 30_000 },
  );
  const clients = [["websocket"], ["polling"]].map((transports) => client(port, { transports }));
  const noticed: string[] = [];
  for (const { io } of clients) io.on("close", (reason) => noticed.push(reason));
  await Promise.all(clients.map((each) => each.timeout(10_000).emitWithAck("who")));
  const slow = clients.flatMap(({ io }) => [io.socket("/slow"), io.socket("/dynamic")]);
  const closed = clients.map((each) => each.io.socket("/closed"));
  const refused = Promise.all(closed.map(refusal));
  for (const each of [...slow, ...closed]) each.connect();
  // What a client sends after it is handled after it.
  const [old] = await Promise.all(clients.map((each) => each.timeout(10_000).emitWithAck("who")));

  const reload = daemon.pm2("reload", "app");
  const draining = async () =>
    (await daemon.sticky()).flatMap((app) => app.workers).some(({ state }) => state === "draining");
  const ended = reload.then(() => true);
  await Promise.race([ended, until(async () => (await draining()) || undefined, "the old worker to stop")]);
  writeFileSync(join(daemon.folder, "opened"), "");

  expect((await reload).code).toBe(0);
  for (const each of [...slow, ...clients]) {
    expect(await each.timeout(10_000).emitWithAck("who")).not.toBe(old);
  }
  expect(await refused).toEqual(["not you", "not you"]);
  expect(noticed).toEqual([]);
});

function refusal(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.once("connect_error", ({ message }) => resolve(message)));
}
