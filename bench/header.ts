import { cpus } from "node:os";
import { join } from "node:path";
import { MAX_SECONDS } from "./deliveries";
import { ROOT } from "./pm2";
import { WORKERS } from "./programs";
import { NO_REDIS, redisVersion } from "./redis";

const PACKAGES = [
  "pm2",
  "@socket.io/pm2",
  "@socket.io/redis-adapter",
  "@socket.io/redis-streams-adapter",
  "socket.io",
];

/** What the figures depend on. */
export function header(seconds: number): string {
  const processors = cpus();
  const ours = `pm2-socket.io ${require(join(ROOT, "package.json")).version}`;
  const others = PACKAGES.map((name) => `${name} ${require(`${name}/package.json`).version}`);
  const redis = redisVersion();
  const loads = `${seconds} s each load (at most ${MAX_SECONDS} s of deliveries)`;
  return [
    `${new Date().toISOString()}, ${processors.length} x ${processors[0]?.model}`,
    `Node ${process.version}, ${[ours, ...others].join(", ")}`,
    redis === undefined ? NO_REDIS : `Redis ${redis}, on this machine, without persistence`,
    `${WORKERS} workers each unless the row says otherwise, ${loads} from the same machine`,
  ].join("\n");
}
