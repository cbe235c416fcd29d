// SPDX-License-Identifier: AGPL-3.0-only
import { closeSync, fstatSync, openSync, readSync, statSync, writeFileSync } from "node:fs";
import { StickyError } from "../errors";
import { type God, type Pm2Env, type Process, type ReloadOptions, requirePm2 } from "./internals";
import type { StickyApps } from "./sticky-apps";

/** PM2 needs the two of them for a reload with new configuration. */
interface Utility {
  clone(env: Pm2Env): Pm2Env;
  extend(target: object, source: object | undefined): void;
  extendExtraConfig(process: Process, options: ReloadOptions): void;
}

type Callback = (error: Error | null, result?: unknown) => void;
type Outcome = { ready: true } | { ready: false; reason: string } | { interrupted: true };

const LOG_LINES = 10;
const LOG_BYTES = 16 * 1024;

/**
 * Replaces one worker of a sticky app. Unlike PM2's own reload it takes the old worker down only when the new one
 * serves:
 *
 *     old is parked as _old_<id> ──▶ new one starts under <id>
 *        ├──ready──▶ old one is drained and deleted
 *        ├──exits, or is not ready in time──▶ new one is removed, old one is back under <id>, an error says why
 *        └──stopped by another command──▶ that command was meant for both: old one is deleted too
 */
export function reloadSticky(god: God, apps: StickyApps, options: ReloadOptions, callback: Callback): void {
  const { id } = options;
  const parkedId = `_old_${id}`;
  if (parkedId in god.clusters_db) {
    callback(new StickyError("STICKY_RELOAD_RUNNING", id));
    return;
  }
  const utility: Utility = requirePm2("./lib/Utility.js");
  const old = god.clusters_db[id]!;
  utility.extend(old.pm2_env.env, options.env);
  utility.extendExtraConfig(old, options);

  const env = utility.clone(old.pm2_env);
  god.resetState(env);
  env.restart_time += 1;
  park(god, old, id, parkedId);
  const log = startOfLog(env);

  let forked = true;
  god.executeApp(env, (error) => {
    if (!error) return;
    forked = false;
    unpark(god, old, id, parkedId);
    callback(error);
  });
  // PM2 forks before it returns; the callback comes later, unless forking failed.
  if (!forked) return;
  const fresh = god.clusters_db[id]!;
  // The worker writes its log itself, and may end before that is done; what it tells PM2 arrives.
  let thrown = "";
  fresh.on("message", (message: { type?: string; data?: unknown } | undefined) => {
    if (message?.type === "log:err") thrown = String(message.data).trim();
  });

  const name = `${env.name} (id ${id})`;
  untilReady(fresh, apps, apps.startTimeoutMs(env)).then((outcome) => {
    if ("interrupted" in outcome) {
      god.deleteProcessId(parkedId, () => callback(new StickyError("STICKY_RELOAD_INTERRUPTED", name)));
    } else if (outcome.ready) {
      god.deleteProcessId(parkedId, callback);
    } else {
      remove(god, apps, fresh, id, () => {
        unpark(god, old, id, parkedId);
        const error = new StickyError("STICKY_RELOAD", name, outcome.reason);
        const lines = endOfLog(env, log);
        error.message += `\nLast lines of ${env.pm_err_log_path}:\n${lines}`;
        if (!lines.includes(firstLine(thrown))) error.message += `\nIt threw:\n${thrown}`;
        callback(error);
      });
    }
  });
}

function park(god: God, worker: Process, id: number, parkedId: string): void {
  god.clusters_db[parkedId] = worker;
  delete god.clusters_db[id];
  worker.pm2_env.pm_id = parkedId;
  worker.pm_id = parkedId;
}

function unpark(god: God, worker: Process, id: number, parkedId: string): void {
  if (god.clusters_db[parkedId] !== worker) return;
  delete god.clusters_db[parkedId];
  worker.pm2_env.pm_id = id;
  worker.pm_id = id;
  god.clusters_db[id] = worker;
  try {
    // The new worker has written its own pid there.
    writeFileSync(worker.pm2_env.pm_pid_path, String(worker.process.pid));
  } catch {
    // PM2 treats the file the same way: nice to have.
  }
}

function untilReady(fresh: Process, apps: StickyApps, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const timer = apps.clock.after(timeoutMs, () => {
      const seconds = Math.round(timeoutMs / 1000);
      resolve({ ready: false, reason: `was not ready after ${seconds} s` });
    });
    // Emitted by bindWorker() when the worker is ready to serve, or by Node if the app does not use us any more.
    const onListening = () => {
      const handle = apps.handleOf(fresh);
      if (fresh.pm2_env.wait_ready && handle?.state !== "ready") return;
      unwatch();
      resolve({ ready: true });
    };
    const onExit = (code: number, signal: string | null) => {
      unwatch();
      const { status } = fresh.pm2_env;
      if (status === "stopping" || status === "stopped") {
        resolve({ interrupted: true });
        return;
      }
      // PM2 does not restart what is being stopped.
      fresh.pm2_env.status = "stopping";
      const reason = signal ? `was killed by ${signal}` : `exited with code ${code}`;
      const fail = () => resolve({ ready: false, reason });
      // What it said last may arrive after its end.
      if (fresh.isConnected()) fresh.once("disconnect", fail);
      else fail();
    };
    const unwatch = () => {
      clearTimeout(timer);
      fresh.removeListener("listening", onListening);
      fresh.removeListener("exit", onExit);
    };
    fresh.on("listening", onListening);
    // Before PM2's own listener, which would restart it.
    fresh.prependOnceListener("exit", onExit);
  });
}

/** Takes a worker that did not become ready out of God's books. */
function remove(god: God, apps: StickyApps, fresh: Process, id: number, done: () => void): void {
  const forget = () => {
    if (god.clusters_db[id] === fresh) delete god.clusters_db[id];
    done();
  };
  if (fresh.isDead()) apps.clock.nextTurn(forget);
  else god.stopProcessId(id, forget);
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!;
}

function startOfLog({ pm_err_log_path }: Pm2Env): number {
  try {
    return pm_err_log_path ? statSync(pm_err_log_path).size : 0;
  } catch {
    return 0;
  }
}

/** What was written to the error log since `start`, its last lines. */
function endOfLog({ pm_err_log_path }: Pm2Env, start: number): string {
  if (!pm_err_log_path) return "(none)";
  try {
    const file = openSync(pm_err_log_path, "r");
    try {
      const from = Math.max(start, fstatSync(file).size - LOG_BYTES);
      const bytes = Buffer.alloc(LOG_BYTES);
      const length = readSync(file, bytes, 0, LOG_BYTES, from);
      const lines = bytes.toString("utf8", 0, length).trimEnd().split("\n");
      return lines.slice(-LOG_LINES).join("\n") || "(empty)";
    } finally {
      closeSync(file);
    }
  } catch {
    return "(none)";
  }
}
