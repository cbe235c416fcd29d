import { expect, test } from "vitest";
import { fetchPlain } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";
import { errorLines } from "../helpers/error-log";
import { ecosystem, OFFICIAL_CJS } from "../helpers/workers";

/** Starts an app and gives it the time in which a line would be written. */
async function start(text: string, ...args: string[]) {
  const daemon = new Daemon({ PORT: String(await freePort()) });
  daemon.write("app.js", text);
  expect((await daemon.pm2("start", "app.js", "--name", "app", ...args)).code).toBe(0);
  return daemon;
}

const SERVER = `const server = require("http").createServer((req, res) => res.end("plain"));`;
/** What everybody types first. */
const PLAIN = `${SERVER} new (require("socket.io").Server)(server); server.listen(process.env.PORT);`;

const missing = (daemon: Daemon) => errorLines(daemon, "STICKY_MISSING");
const settled = () => new Promise((resolve) => setTimeout(resolve, 6000));

test("Socket.IO in several workers, without sticky sessions and adapter: one line with the remedy", async () => {
  const daemon = await start(PLAIN, "-i", "3");
  const [line] = await until(() => (missing(daemon).length > 0 ? missing(daemon) : undefined), "the line");
  expect(line).toContain(`port ${daemon.env.PORT}`);
  expect(line).toContain("--sticky");
  await settled();
  expect(missing(daemon)).toHaveLength(1);
  // It still is PM2's own cluster.
  expect((await fetchPlain(Number(daemon.env.PORT))).body).toBe("plain");
  expect(await daemon.sticky()).toEqual([]);
  // Another start is another line.
  await daemon.pm2("restart", "app");
  await until(() => (missing(daemon).length > 1 ? true : undefined), "the second line");
});

/** Apps of which nothing of the kind is to be said. */
const FINE: Record<string, [text: string, options?: object]> = {
  one: [PLAIN, { instances: 1 }],
  ports: [PLAIN.replace("listen(", "listen(Number(process.env.NODE_APP_INSTANCE) + +")],
  websockets: [PLAIN.replace("(server);", "(server, { transports: ['websocket'] });")],
  adapter: [
    PLAIN.replace(
      "(server);",
      "(server, { adapter: class extends require('socket.io-adapter').Adapter { serverSideEmit() {} } });",
    ),
  ],
  cluster: [
    PLAIN.replace(
      "(server);",
      "(server, { adapter: require('@socket.io/cluster-adapter').createAdapter() });",
    ),
  ],
  asked: [PLAIN, { sticky: true }],
  official: [OFFICIAL_CJS],
  off: [PLAIN, { sticky: false }],
};

test("an app that has no need of it gets no such line", async () => {
  const daemon = new Daemon();
  const apps = [];
  for (const [name, [text, options]] of Object.entries(FINE)) {
    const port = await freePort();
    const script = daemon.write(`${name}.js`, text);
    apps.push({ name, script, instances: 2, exec_mode: "cluster", port, ...options });
  }
  daemon.write("ecosystem.config.js", ecosystem(...apps));
  expect((await daemon.pm2("start", "ecosystem.config.js")).code).toBe(0);
  await settled();
  for (const { name } of apps) expect([name, errorLines(daemon, "STICKY_", name)]).toEqual([name, []]);
});

test("a worker with setupWorker of the official package in fork mode: one line with the remedy", async () => {
  const daemon = await start(OFFICIAL_CJS);
  const lines = () => errorLines(daemon, "STICKY_NOT_WORKER");
  const [line] = await until(() => (lines().length > 0 ? lines() : undefined), "the line");
  expect(line).toContain("pm2 start worker.js -i max");
  await settled();
  expect(lines()).toHaveLength(1);
});

test("an error of that name in fork mode is not taken for it", async () => {
  const daemon = await start(`throw new Error("not worker");`);
  await until(() => (errorLines(daemon, "not worker").length > 0 ? true : undefined), "the error");
  await settled();
  expect(errorLines(daemon, "STICKY_NOT_WORKER")).toEqual([]);
});
