// SPDX-License-Identifier: AGPL-3.0-only
import { describe } from "../errors";
import { shield } from "../log";
import type { God, Pm2Env } from "./internals";
import type { StickyApps } from "./sticky-apps";

/** What `setupWorker` of the official package throws outside of a cluster worker, with the place where it does. */
const NOT_WORKER = /\bError: not worker\s+at (?:\S+\.)?setupWorker\b/;
/** PM2 starts a process that fails again and again; after a pause of this length the line is written again. */
const PAUSE_MS = 30_000;

/**
 * A worker that was started in fork mode (`-i` was forgotten) gets an error from the official `setupWorker` which does
 * not say what to do. Processes in fork mode are none of our business, and nothing is changed in them: the error is read
 * in what the process writes, which passes through the daemon.
 */
export function remindOfClusterMode(god: God, apps: StickyApps): void {
  const lastMs = new Map<string, number>();
  god.bus.on(
    "log:err",
    shield({ info: console.log, error: console.error }, (packet) => {
      const { data, process } = packet as { data?: unknown; process?: Partial<Pm2Env> };
      if (typeof data !== "string" || !NOT_WORKER.test(data)) return;
      const env = god.clusters_db[String(process?.pm_id)]?.pm2_env;
      if (env?.exec_mode !== "fork_mode") return;
      const now = apps.clock.now();
      const isNew = now - (lastMs.get(env.name) ?? Number.NEGATIVE_INFINITY) > PAUSE_MS;
      lastMs.set(env.name, now);
      if (isNew) apps.logFor(env).error(describe("STICKY_NOT_WORKER", "setupWorker"));
    }),
  );
}
