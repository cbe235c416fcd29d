import { cpus } from "node:os";
import { join } from "node:path";
import { ROOT } from "./pm2";
import { WORKERS } from "./programs";

const PACKAGES = ["pm2", "@socket.io/pm2", "socket.io"];

/** What the figures depend on. */
export function header(seconds: number): string {
  const processors = cpus();
  const ours = `pm2-socket.io ${require(join(ROOT, "package.json")).version}`;
  const others = PACKAGES.map((name) => `${name} ${require(`${name}/package.json`).version}`);
  return [
    `${new Date().toISOString()}, ${processors.length} x ${processors[0]?.model}`,
    `Node ${process.version}, ${[ours, ...others].join(", ")}`,
    `${WORKERS} workers each, ${seconds} s each load, from the same machine`,
  ].join("\n");
}
