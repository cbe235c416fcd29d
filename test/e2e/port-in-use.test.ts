import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import { fetchPlain, isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";
import { OFFICIAL_CJS } from "../helpers/workers";

test("a port in use: everything lives, says what is wrong once, and opens as soon as the port is free", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  const holder = createServer((_, res) => res.end("the holder")).listen(port);
  await once(holder, "listening");
  daemon.write("worker.js", OFFICIAL_CJS);

  expect((await daemon.pm2("start", "worker.js", "-n", "chat", "-i", "2", "--port", String(port))).code).toBe(
    0,
  );

  const failed = await until(
    async () => (await daemon.sticky()).find(({ error, workers }) => error !== null && workers.length === 2),
    "the listener to fail, and the holder of the port to be known",
  );
  expect(failed.state).toBe("failed");
  expect(failed.error).toContain(`EADDRINUSE, held by pid ${process.pid} (`);
  expect((await daemon.pm2("sticky")).stdout).toContain(`port ${port} failed (EADDRINUSE, held by pid`);
  expect((await daemon.list()).map(({ pm2_env }) => [pm2_env.status, pm2_env.restart_time])).toEqual([
    ["online", 0],
    ["online", 0],
  ]);

  const line = `app "chat" cannot listen on port ${port}: EADDRINUSE, held by pid ${process.pid} `;
  // PM2 numbers the log files of several instances.
  const errors = () =>
    ["chat-error-0.log", "chat-error-1.log"]
      .map((file) => readFileSync(`${daemon.home}/logs/${file}`, "utf8"))
      .join("");
  await until(() => errors().includes(line) || undefined, "the app's error log to say it");
  // It was tried again meanwhile, and not said again.
  const { pid } = daemon;
  expect((await fetchPlain(port)).body).toBe("the holder");
  holder.closeAllConnections();
  holder.close();
  await daemon.ready(2, "chat");
  expect([daemon.log, errors()].map((log) => log.split(line).length - 1)).toEqual([1, 1]);
  expect(daemon.log).toContain(`chat: listens on port ${port}`);
  expect(daemon.pid).toBe(pid);
  await isServedAsCluster(port);
});
