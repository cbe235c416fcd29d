import { expect, test } from "vitest";
import { CHAT, fetchPlain, isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";
import { ecosystem } from "../helpers/workers";

/** @param ready what the app does when it listens */
const app = (port: number, ready: string) => `
const server = require("http").createServer((req, res) => res.end(String(process.pid)));
const io = new (require("socket.io").Server)(server);
${CHAT}
server.listen(${port}, () => { ${ready} });`;

async function start(ready: string, listenTimeout: number) {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("app.js", app(port, ready));
  const entry = { name: "app", script: "app.js", instances: 2, exec_mode: "cluster", sticky: true };
  daemon.write(
    "ecosystem.config.js",
    ecosystem({ ...entry, wait_ready: true, listen_timeout: listenTimeout }),
  );
  expect((await daemon.pm2("start", "ecosystem.config.js")).code).toBe(0);
  return { daemon, port };
}

test('an app that says "ready" when it listens is served, and reloads', async () => {
  const { daemon, port } = await start('process.send("ready")', 10_000);
  await daemon.ready(2);
  await isServedAsCluster(port);
  const before = (await daemon.list()).map(({ pid }) => pid);
  expect((await daemon.pm2("reload", "app")).code).toBe(0);
  const { workers } = await daemon.ready(2);
  expect(workers.map(({ pid }) => before.includes(pid!))).toEqual([false, false]);
  await isServedAsCluster(port);
});

test.each([
  ["never comes", ""],
  ["comes as an object", 'process.send({ type: "ready" })'],
])('an app whose "ready" %s is served after its time, and the log says so; it reloads', async (_, ready) => {
  const { daemon, port } = await start(ready, 1000);
  await until(async () => (await fetchPlain(port).catch(() => undefined)) && true, "the port to be served");
  expect((await fetchPlain(port)).status).toBe(200);
  await until(
    () => daemon.log.match(/has not said "ready" for 1000 ms \(wait_ready\)/) ?? undefined,
    "the line in the log",
  );
  expect((await daemon.pm2("reload", "app")).code).toBe(0);
  expect((await fetchPlain(port)).status).toBe(200);
});

test('connections go to workers that have said "ready", as long as there is one', async () => {
  const { daemon, port } = await start(
    'if (process.env.NODE_APP_INSTANCE === "0") process.send("ready")',
    1000,
  );
  await until(() => daemon.log.match(/has not said "ready"/) ?? undefined, "the other one to be overdue");
  const [first] = await daemon.list();
  for (let i = 0; i < 6; i++) expect(Number((await fetchPlain(port)).body)).toBe(first!.pid);
});
