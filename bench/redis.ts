import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { freePort, until } from "./until";

export const NO_REDIS =
  "redis-server is not installed: nothing is compared with Redis (Debian: apt-get install redis-server)";

const OPTIONS = {
  bind: "127.0.0.1",
  save: "",
  appendonly: "no",
  // The title would be written over the mark of the run, see run-mark.ts.
  "set-proc-title": "no",
};

export interface Redis {
  port: number;
  pid: number;
  stop(): Promise<void>;
}

/** `undefined` if it is not installed. */
export function redisVersion(): string | undefined {
  try {
    return /v=(\S+)/.exec(execFileSync("redis-server", ["--version"], { encoding: "utf8" }))?.[1];
  } catch {
    return undefined;
  }
}

/** A server that keeps nothing on disk; resolves when it answers. */
export async function startRedis(): Promise<Redis> {
  if (redisVersion() === undefined) throw new Error(NO_REDIS);
  const port = await freePort();
  const options = { ...OPTIONS, port: String(port), dir: tmpdir() };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawn("redis-server", args, { stdio: "ignore" });
  const stop = async () => {
    if (server.exitCode === null && server.kill("SIGKILL")) await once(server, "exit");
  };
  try {
    await until(() => answers(port), `redis-server to answer on port ${port}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, pid: server.pid!, stop };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("data", (data) => resolve(data.toString().startsWith("+PONG")));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.on("data", () => socket.destroy());
  });
}
