import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The most memory a process ever had, in MB, since {@link forgetPeak}. */
export function peakMemory(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
}

/** Starts measuring anew; returns what the process has at the moment, in MB. */
export function forgetPeak(pid: number): number {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  return peakMemory(pid);
}

/** {@link peakMemory}, as soon as that has not changed for a second. */
export async function settledPeak(pid: number): Promise<number> {
  for (let former: number | undefined; ; await sleep(1000)) {
    const peak = peakMemory(pid);
    if (peak === former) return peak;
    former = peak;
  }
}

/**
 * Code that gives how many bytes a process uses. Unlike the operating system's figure that is without garbage, of which
 * each release of Node lets another amount lie.
 */
export const BYTES_IN_USE = `(() => {
  require("node:v8").setFlagsFromString("--expose-gc");
  require("node:vm").runInNewContext("gc")();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
})()`;
