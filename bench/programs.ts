import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Client, open } from "./load/websocket";
import { BIN, Pm2 } from "./pm2";
import { Redis } from "./redis";
import { freePort, until } from "./until";

/** A contender that serves: its public port, and the process that owns it. */
export interface Serving {
  port: number;
  /** The process whose cost is counted: the daemon, or the plain process itself. */
  primaryPid: number;
  /** The processes between the clients: those of the workers, the primary, and Redis. */
  pids: readonly number[];
  /** Takes a reload; returns its milliseconds. A plain process has none. */
  reload?(): Promise<number>;
  /** What the daemon has said so far. */
  log?(): string;
  stop(): Promise<void>;
}

export const PROGRAMS = ["pm2-socket.io", "@socket.io/pm2", "plain process"] as const;
/** The adapters that others use where this package has its own; the workers are served by this package. */
export const REDIS_ADAPTERS = ["redis-adapter", "redis-streams"] as const;
export type Program = (typeof PROGRAMS)[number] | (typeof REDIS_ADAPTERS)[number];

export const WORKERS = 2;

/** What the workers of a cluster run. */
export type App = "worker" | "recovering-worker" | "redis-worker";

/** Starts a contender; resolves when all of it serves. */
export async function start(program: Program, app: App = "worker", workers = WORKERS): Promise<Serving> {
  const port = await freePort();
  switch (program) {
    case "pm2-socket.io":
      return startCluster(new Pm2(BIN.ours, { PM2_PORT: String(port) }), port, app, workers);
    case "@socket.io/pm2":
      return startCluster(new Pm2(BIN.socketio, { PM2_PORT: String(port) }), port, app, workers);
    case "redis-adapter":
      return startWithRedis(port, workers, {});
    case "redis-streams":
      return startWithRedis(port, workers, { REDIS_STREAMS: "true" });
    case "plain process":
      return startPlain(port);
  }
}

async function startWithRedis(port: number, workers: number, env: NodeJS.ProcessEnv): Promise<Serving> {
  const redis = await Redis.start();
  try {
    const pm2 = new Pm2(BIN.ours, { PM2_PORT: String(port), REDIS_URL: redis.url, ...env });
    const serving = await startCluster(pm2, port, "redis-worker", workers);
    const stop = () => serving.stop().finally(() => redis.stop());
    return { ...serving, pids: [...serving.pids, redis.pid], stop };
  } catch (error) {
    await redis.stop();
    throw error;
  }
}

async function startCluster(pm2: Pm2, port: number, app: App, workers: number): Promise<Serving> {
  await pm2.run("start", join(__dirname, `apps/${app}.js`), "-i", String(workers), "--name", "bench");
  const pids = await untilServed(port, workers);
  return {
    port,
    primaryPid: pm2.pid,
    pids: [pm2.pid, ...pids],
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
  return { port, primaryPid: child.pid!, pids: [child.pid!], stop };
}

/** Waits until that many processes of the app have a client; returns their pids. */
async function untilServed(port: number, processes: number): Promise<number[]> {
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
  return [...new Set(clients.map(({ worker }) => Number(worker)))];
}
