import { fork } from "node:child_process";
import { join } from "node:path";
import type { BroadcastOptions, LoadOptions, LoadResult, Report } from "./load/report";
import { cpuMicros } from "./proc";
import type { Serving } from "./programs";

/** For a load to get ready, beside the seconds that it counts. */
const MAX_SETUP_MS = 60_000;

export interface Measured extends LoadResult {
  perSecond: number;
  /** What `sample` gained for each of `count`. */
  gainEach: number;
}

/** Puts a load on a port, from a process of its own; takes a sample when its warm-up is over and when it is done. */
export async function measure(load: string, options: LoadOptions, sample: () => number): Promise<Measured> {
  const { report, ms, before, after } = await put(load, options, sample);
  return { ...report, perSecond: (report.count / ms) * 1000, gainEach: (after - before) / report.count };
}

export interface Delivered extends LoadResult {
  perSecond: number;
  /** CPU for each delivery. */
  primaryMicros: number;
  /** The same of all processes of the contender; the clients are not counted. */
  hostMicros: number;
}

/** The same with a load that broadcasts, and what a delivery costs. */
export async function deliver(
  load: string,
  { port, primaryPid, pids }: Serving,
  options: Omit<BroadcastOptions, "port">,
): Promise<Delivered> {
  const sample = () => ({ primary: cpuMicros(primaryPid), host: sum(pids.map(cpuMicros)) });
  const { report, ms, before, after } = await put(load, { ...options, port }, sample);
  return {
    ...report,
    perSecond: (report.count / ms) * 1000,
    primaryMicros: (after.primary - before.primary) / report.count,
    hostMicros: (after.host - before.host) / report.count,
  };
}

interface Put<S> {
  report: LoadResult;
  ms: number;
  before: S;
  after: S;
}

function put<S>(load: string, options: LoadOptions, sample: () => S): Promise<Put<S>> {
  const generator = fork(join(__dirname, `load/${load}.js`), [JSON.stringify(options)]);
  const limitMs = MAX_SETUP_MS + (options.seconds ?? 0) * 1000;
  const timer = setTimeout(() => generator.kill("SIGKILL"), limitMs);
  return new Promise<Put<S>>((resolve, reject) => {
    let begin: { at: number; sample: S };
    generator.on("message", (report: Report) => {
      try {
        const now = { at: performance.now(), sample: sample() };
        if (report === "begin") begin = now;
        else resolve({ report, ms: now.at - begin.at, before: begin.sample, after: now.sample });
      } catch (error) {
        reject(error); // A process of the contender is gone.
      }
    });
    generator.once("error", reject);
    // After the report this changes nothing any more.
    generator.once("exit", (code, signal) =>
      reject(new Error(`the ${load} load exited with ${signal ?? code}`)),
    );
  }).finally(() => {
    clearTimeout(timer);
    generator.kill("SIGKILL");
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0);
}
