import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { isAlive } from "./proc";

/**
 * Everything that a run starts inherits this mark, daemons and their workers too, so that the run can end it all
 * however it ends itself.
 */
const MARK = `PM2_BENCH_RUN=${randomUUID()}`;

export function markRun(): void {
  const [name, value] = MARK.split("=") as [string, string];
  process.env[name] = value;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
  process.on("exit", () => {
    // A daemon may start one more worker while it is being killed.
    for (let left = marked(); left.length > 0; left = marked()) for (const pid of left) kill(pid);
  });
}

function marked(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => environment(pid).includes(MARK) && isAlive(pid));
}

function environment(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch {
    return []; // It ended, or is not ours to look at.
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}
