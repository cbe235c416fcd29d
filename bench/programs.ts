import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Client, open } from "./load/websocket";
import { BIN, Pm2 } from "./pm2";
import { startRedis } from "./redis";
import { freePort, until } from "./until";

/** A contender that serves: its public port, and the processes it consists of. */
export interface Serving {
  port: number;
  /** The process whose cost is counted: the daemon, the Redis server, or the plain process itself. */
  primaryPid: number;
  /** All of them: daemon, workers, Redis server. */
  pids: number[];
  /** Takes a reload; returns its milliseconds. A plain process has none. */
  reload?(): Promise<number>;
  /** What the daemon has said so far. */
  log?(): string;
  stop(): Promise<void>;
}

export const PROGRAMS = [
  "pm2-socket.io",
  "@socket.io/pm2",
  "redis-adapter",
  "redis-streams-adapter",
  "plain process",
] as const;
export type Program = (typeof PROGRAMS)[number];

export const WORKERS = 2;

const START_TIMEOUT_MS = 30_000;

/** What a contender is to be. */
export interface Setup {
  workers: number;
  /** Whether the servers have connection state recovery on. */
  recovery: boolean;
}

/** Starts a contender; resolves when all of it serves. */
export async function start(program: Program, setup: Partial<Setup> = {}): Promise<Serving> {
  const { workers, recovery }: Setup = { workers: WORKERS, recovery: false, ...setup };
  const port = await freePort();
  const env = { RECOVERY: recovery ? "on" : "off" };
  switch (program) {
    case "pm2-socket.io":
      return startCluster(new Pm2(BIN.ours, { ...env, PM2_PORT: String(port) }), "worker", port, workers);
    case "@socket.io/pm2":
      return startCluster(new Pm2(BIN.socketio, { ...env, PM2_PORT: String(port) }), "worker", port, workers);
    case "redis-adapter":
    case "redis-streams-adapter":
      return startWithRedis({ ...env, ADAPTER: program }, port, workers);
    case "plain process":
      return startPlain(env, port);
  }
}

async function startCluster(pm2: Pm2, app: string, port: number, workers: number): Promise<Serving> {
  try {
    await pm2.run("start", join(__dirname, `apps/${app}.js`), "-i", String(workers), "--name", "bench");
    const workerPids = await untilServed(port, workers);
    return {
      port,
      primaryPid: pm2.pid,
      pids: [pm2.pid, ...workerPids],
      reload: () => pm2.time("reload", "bench"),
      log: () => pm2.log,
      stop: () => pm2.stop(),
    };
  } catch (error) {
    // Whatever is left ends with the run.
    await pm2.stop().catch(() => {});
    throw error;
  }
}

/** Stock PM2 runs the workers. */
async function startWithRedis(env: NodeJS.ProcessEnv, port: number, workers: number): Promise<Serving> {
  const redis = await startRedis();
  try {
    const pm2 = new Pm2(BIN.stock, { ...env, LISTEN_ON: String(port), REDIS_PORT: String(redis.port) });
    const cluster = await startCluster(pm2, "redis-worker", port, workers);
    const stop = async () => {
      await cluster.stop();
      await redis.stop();
    };
    return { ...cluster, primaryPid: redis.pid, pids: [...cluster.pids, redis.pid], stop };
  } catch (error) {
    await redis.stop();
    throw error;
  }
}

async function startPlain(env: NodeJS.ProcessEnv, port: number): Promise<Serving> {
  const child = spawn(process.execPath, [join(__dirname, "apps/plain.js")], {
    env: { ...process.env, ...env, LISTEN_ON: String(port) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const stop = async () => {
    if (child.exitCode === null && child.kill()) await once(child, "exit");
  };
  try {
    await untilServed(port, 1);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, primaryPid: child.pid!, pids: [child.pid!], stop };
}

/** Waits until that many processes of the app have a client; returns their pids. */
async function untilServed(port: number, processes: number): Promise<number[]> {
  const clients: Client[] = [];
  const pids = () => new Set(clients.map(({ worker }) => Number(worker)));
  await until(
    async () => {
      try {
        clients.push(await open(port));
      } catch {
        // Not there yet.
      }
      return pids().size === processes;
    },
    `${processes} processes to answer on port ${port}`,
    START_TIMEOUT_MS,
  );
  for (const client of clients) client.close();
  return [...pids()];
}
