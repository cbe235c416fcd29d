import { readFileSync } from "node:fs";

/** What the daemon, a worker and its modules have open beside their clients. */
const OTHER_FILES = 500;
/** What a client costs on both ends, and on its way between two workers. */
const BYTES_EACH = 200 * 1024;

/** The largest number of clients, up to `wanted`, for which this machine has enough files and memory. */
export function roomFor(wanted: number): number {
  // One worker may have them all for a while.
  const files = Number(
    /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1],
  );
  const memory =
    Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "latin1"))?.[1]) * 1024;
  const most = Math.min(
    Number.isNaN(files) ? wanted : files - OTHER_FILES,
    Math.floor(memory / 2 / BYTES_EACH),
  );
  return Math.min(wanted, most);
}
