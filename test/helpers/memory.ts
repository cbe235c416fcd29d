import { readFileSync, writeFileSync } from "node:fs";

/** The most memory a process ever had, in MB, since {@link forgetPeak}. */
export function peakMemory(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
}

/** Starts measuring anew; returns what the process has at the moment, in MB. */
export function forgetPeak(pid: number): number {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  return peakMemory(pid);
}
