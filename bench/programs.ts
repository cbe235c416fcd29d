import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Client, open } from "./load/websocket";
import { BIN, Pm2 } from "./pm2";
import { freePort, until } from "./until";

/** A contender that serves: its public port, and the process that owns it. */
export interface Serving {
  port: number;
  /** The process whose cost is counted: the daemon, or the plain process itself. */
  primaryPid: number;
  /** Takes a reload; returns its milliseconds. A plain process has none. */
  reload?(): Promise<number>;
  /** What the daemon has said so far. */
  log?(): string;
  stop(): Promise<void>;
}

export const PROGRAMS = ["pm2-socket.io", "@socket.io/pm2", "plain process"] as const;
export type Program = (typeof PROGRAMS)[number];

export const WORKERS = 2;

/** What the workers of a cluster run. */
export type App = "worker" | "recovering-worker";

/** Starts a contender; resolves when all of it serves. */
export async function start(program: Program, app: App = "worker"): Promise<Serving> {
  const port = await freePort();
  switch (program) {
    case "pm2-socket.io":
      return startCluster(new Pm2(BIN.ours, { PM2_PORT: String(port) }), port, app);
    case "@socket.io/pm2":
      return startCluster(new Pm2(BIN.socketio, { PM2_PORT: String(port) }), port, app);
    case "plain process":
      return startPlain(port);
  }
}

async function startCluster(pm2: Pm2, port: number, app: App): Promise<Serving> {
  await pm2.run("start", join(__dirname, `apps/${app}.js`), "-i", String(WORKERS), "--name", "bench");
  await untilServed(port, WORKERS);
  return {
    port,
    primaryPid: pm2.pid,
    reload: () => pm2.time("reload", "bench"),
    log: () => pm2.log,
    stop: () => pm2.stop(),
  };
}

async function startPlain(port: number): Promise<Serving> {
  const child = spawn(process.execPath, [join(__dirname, "apps/plain.js")], {
    env: { ...process.env, PORT: String(port) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  await untilServed(port, 1);
  const stop = async () => {
    child.kill();
    await once(child, "exit");
  };
  return { port, primaryPid: child.pid!, stop };
}

/** Waits until that many processes of the app have a client. */
async function untilServed(port: number, processes: number): Promise<void> {
  const clients: Client[] = [];
  await until(async () => {
    try {
      clients.push(await open(port));
    } catch {
      // Not there yet.
    }
    return new Set(clients.map(({ worker }) => worker)).size === processes;
  }, `${processes} processes to answer on port ${port}`);
  for (const client of clients) client.close();
}
