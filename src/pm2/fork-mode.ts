// SPDX-License-Identifier: AGPL-3.0-only
import { describe } from "../errors";
import { shield } from "../log";
import type { God, Pm2Env } from "./internals";
import type { StickyApps } from "./sticky-apps";

/** The error, with the first line of its stack, that the official `setupWorker` throws outside of a cluster worker. */
const NOT_WORKER = /\bError: not worker\s+at (?:\S+\.)?setupWorker\b/;
/**
 * PM2 restarts a process that has failed, which then fails again. The line is written once, and again when the last
 * failure was longer ago than this.
 */
const PAUSE_MS = 30_000;

/**
 * Says what to do if somebody has forgotten `-i`, so that a worker was started in fork mode. The official `setupWorker`
 * then throws an error that names no remedy. Processes in fork mode are none of our business, so nothing is changed in
 * them; but what they write passes through the daemon, and there the error is recognised.
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
