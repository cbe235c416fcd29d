import { expect } from "vitest";
import { Daemon, freePort, processesOf, until } from "./daemon";

/** A worker that answers plain requests with its pid; `before` runs first, `options` are the Socket.IO server's. */
export const worker = (before = "", options = "{}") => `
${before}
const { createServer } = require("http");
const { Server } = require("socket.io");
const { setupWorker } = require("@socket.io/sticky");
const { createAdapter } = require("@socket.io/cluster-adapter");
const start = () => {
  const io = new Server(createServer((req, res) => req.resume().on("end", () => res.end(String(process.pid)))), ${options});
  io.adapter(createAdapter());
  setupWorker(io);
  io.on("connection", (socket) => {
    socket.data.count ??= 0;
    socket.on("join", (room, answer) => answer(socket.join(room)));
    socket.on("count", (n, answer) => {
      if (n !== socket.data.count + 1) return answer("expected " + (socket.data.count + 1));
      answer((socket.data.count = n));
    });
    socket.on("tell", (room, n, answer) => answer(io.to(room).emit("told", n)));
    socket.on("who", (answer) => answer(process.pid));
  });
};
`;
export const START = "start();";

/** An app "app" with so many workers, started and ready. */
export async function startApp(source: string, instances: number, sticky: object = {}, more: object = {}) {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("app.js", source);
  const options = { instances, exec_mode: "cluster", sticky: { port, ...sticky }, ...more };
  const app = { name: "app", script: "app.js", ...options };
  daemon.write("ecosystem.config.js", `module.exports = ${JSON.stringify({ apps: [app] })};`);
  const { code } = await daemon.pm2("start", "ecosystem.config.js");
  expect(code).toBe(0);
  await daemon.ready(instances);
  return { daemon, port };
}

/** A worker whose live sessions can move. */
export const RECOVERABLE = worker("", "{ connectionStateRecovery: {} }") + START;

export interface Drained {
  slot: number;
  ms: number;
  moved: number;
  closed: number;
  failed: number;
}

/** What the daemon's log says of the workers that gave up their sessions. */
export function drained(daemon: Daemon): Drained[] {
  const line =
    /app: worker (\d+) \(pid \d+\) gave up its sessions in (\d+) ms: (\d+) moved, (\d+) closed, (\d+) failed/g;
  return [...daemon.log.matchAll(line)].map((found) => {
    const [slot, ms, moved, closed, failed] = found.slice(1).map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { slot, ms, moved, closed, failed };
  });
}

/** How many sessions the workers have in all, as soon as it is `count`. */
export async function untilSessions(daemon: Daemon, count: number): Promise<void> {
  await until(async () => {
    const [app] = await daemon.sticky();
    return app?.workers.reduce((sum, { sessions }) => sum + sessions, 0) === count ? true : undefined;
  }, `the workers to have ${count} sessions`);
}

export async function pids(daemon: Daemon): Promise<number[]> {
  return (await daemon.list()).map(({ pid }) => pid).sort();
}

/** The living workers are those that PM2 lists, no more and no fewer. */
export async function expectNoOrphan(daemon: Daemon): Promise<void> {
  const living = () =>
    processesOf(daemon.home)
      .filter(({ command }) => command.includes("app.js"))
      .map(({ pid }) => pid)
      .sort();
  const listed = async () => (await pids(daemon)).filter((pid) => pid > 0);
  await until(
    async () => (JSON.stringify(living()) === JSON.stringify(await listed()) ? true : undefined),
    "the living workers to be those of pm2 list",
  );
}
