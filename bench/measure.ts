import { fork } from "node:child_process";
import { join } from "node:path";
import type { LoadOptions, LoadResult, Report } from "./load/report";

export interface Measured extends LoadResult {
  perSecond: number;
  /** What `sample` gained for each of `count`. */
  gainEach: number;
}

/** Puts a load on a port, from a process of its own; takes a sample when its warm-up is over and when it is done. */
export function measure(load: string, options: LoadOptions, sample: () => number): Promise<Measured> {
  const generator = fork(join(__dirname, `load/${load}.js`), [JSON.stringify(options)]);
  return new Promise((resolve, reject) => {
    let begin = { at: 0, sample: 0 };
    generator.on("message", (report: Report) => {
      const now = { at: performance.now(), sample: sample() };
      if (report === "begin") {
        begin = now;
        return;
      }
      const perSecond = (report.count / (now.at - begin.at)) * 1000;
      resolve({ ...report, perSecond, gainEach: (now.sample - begin.sample) / report.count });
      generator.kill();
    });
    generator.once("error", reject);
    // After the report this changes nothing any more.
    generator.once("exit", (code) => reject(new Error(`the ${load} load exited with ${code}`)));
  });
}
