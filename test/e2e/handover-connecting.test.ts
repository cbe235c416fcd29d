import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { until } from "../helpers/daemon";
import { startApp } from "../helpers/planned-stops";

/** Lets nobody in before the file is there. */
const SOURCE = `
const { existsSync } = require("fs");
const { createServer } = require("http");
const { Server } = require("socket.io");
const { setupWorker } = require("@socket.io/sticky");
const { createAdapter } = require("@socket.io/cluster-adapter");
const io = new Server(createServer(), { connectionStateRecovery: {}, adapter: createAdapter() });
const opened = (then) => (existsSync("opened") ? then() : setTimeout(opened, 10, then));
io.use((socket, next) => opened(next));
io.on("connection", (socket) => socket.on("who", (answer) => answer(process.pid)));
setupWorker(io);`;

test("sessions that are still connecting when their worker stops are not closed", async () => {
  const { daemon, port } = await startApp(
    SOURCE,
    1,
    { handover: { timeout: 30_000 } },
    { kill_timeout: 30_000 },
  );
  const clients = [["websocket"], ["polling"]].map((transports) => client(port, { transports }));
  const noticed: string[] = [];
  for (const { io } of clients) {
    io.on("close", (reason) => noticed.push(reason));
    io.on("error", (error) => noticed.push(error.message));
  }
  const old = (await daemon.list())[0]!.pid;
  const workers = async () => (await daemon.sticky()).flatMap((app) => app.workers);
  await until(async () => ((await workers())[0]?.sessions === 2 ? true : undefined), "both sessions");

  const reload = daemon.pm2("reload", "app");
  const draining = async () => (await workers()).some(({ state }) => state === "draining");
  await until(async () => (await draining()) || undefined, "the old worker to stop");
  writeFileSync(join(daemon.folder, "opened"), "");

  expect((await reload).code).toBe(0);
  for (const each of clients) expect(await each.timeout(10_000).emitWithAck("who")).not.toBe(old);
  expect(noticed).toEqual([]);
});
