// SPDX-License-Identifier: AGPL-3.0-only
import { closeSync, fstatSync, openSync, readSync, statSync, writeFileSync } from "node:fs";
import { StickyError } from "../errors";
import type { WorkerHandle } from "../primary/workers/worker-handle";
import { type God, type Pm2Env, type Process, type ReloadOptions, requirePm2 } from "./internals";
import type { StickyApps } from "./sticky-apps";

/** What PM2's own reload uses to give the new process another configuration. */
interface Utility {
  clone(env: Pm2Env): Pm2Env;
  extend(target: object, source: object | undefined): void;
  extendExtraConfig(process: Process, options: ReloadOptions): void;
}

type Callback = (error: Error | null, result?: unknown) => void;
type Outcome = { ready: true } | { ready: false; reason: string } | { interrupted: true };

/** How long a new worker that can serve may take to get all that the old one has. */
const LATE_MS = 10_000;
const LOG_LINES = 10;
const LOG_BYTES = 16 * 1024;

/**
 * Replaces one worker of an app that we serve. Unlike PM2's own reload, it takes the old worker down only
 * when the new one serves:
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
  // PM2 has forked when it returns. It calls back later; only if forking failed, it has called back already.
  if (!forked) return;
  const fresh = god.clusters_db[id]!;
  // A worker writes its log itself, and may end before an error is written. What it tells the
  // daemon arrives in any case.
  let thrown = "";
  fresh.on("message", (message: { type?: string; data?: unknown } | undefined) => {
    if (message?.type === "log:err") thrown = String(message.data).trim();
  });

  const name = `${env.name} (id ${id})`;
  untilReady(fresh, old, apps).then((outcome) => {
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
    // The file has the pid of the new worker at the moment.
    writeFileSync(worker.pm2_env.pm_pid_path, String(worker.process.pid));
  } catch {
    // As PM2 sees it, this file is nice to have: it ignores such errors, too.
  }
}

/**
 * Waits until the new worker can take the old one's place. If the app has `wait_ready` and the worker does not say
 * "ready" in time, it takes the place all the same if it listens, as with stock PM2.
 */
function untilReady(fresh: Process, old: Process, apps: StickyApps): Promise<Outcome> {
  const env = fresh.pm2_env;
  const timeoutMs = apps.startTimeoutMs(env);
  return new Promise((resolve) => {
    let hasListened = false;
    const end = (outcome: Outcome) => {
      clearTimeout(timer);
      clearTimeout(lateTimer);
      unwatch();
      fresh.removeListener("listening", onListening);
      fresh.removeListener("exit", onExit);
      resolve(outcome);
    };
    const timer = apps.clock.after(timeoutMs, () => {
      const handle = apps.handleOf(fresh);
      const seconds = Math.round(timeoutMs / 1000);
      const mayGoOn = isReplacement(apps, fresh, old) || (hasListened && !handle?.takesPart);
      if (env.wait_ready && handle?.state !== "ready" && mayGoOn) {
        console.log(
          `[pm2-socket.io] ${env.name}: the new worker listens, but has not said "ready" (wait_ready); the reload goes on`,
        );
      }
      if (mayGoOn) end({ ready: true });
      else if (env.wait_ready)
        end({ ready: false, reason: `did not listen, or say "ready" (wait_ready), within ${seconds} s` });
      else end({ ready: false, reason: `was not ready after ${seconds} s` });
    });
    const goOnWithLess = () => {
      const less = "the new worker has fewer servers, or less Socket.IO, than the old one";
      console.log(`[pm2-socket.io] ${env.name}: ${less}; the reload goes on`);
      end({ ready: true });
    };
    let lateTimer: NodeJS.Timeout | undefined;
    const onChange = () => {
      const refusal = apps.refusalOf(fresh);
      const isReady = apps.handleOf(fresh)?.state === "ready" && isReplacement(apps, fresh, old);
      if (refusal !== undefined) end({ ready: false, reason: `cannot listen on ${refusal}` });
      else if (isReady && hasAll(apps.handleOf(fresh), apps.handleOf(old))) end({ ready: true });
      else if (isReady) lateTimer ??= apps.clock.after(Math.min(LATE_MS, timeoutMs), goOnWithLess);
    };
    // The worker listens by way of Node's cluster module. If neither worker uses us (the app does not any more, for
    // example), nothing else will tell that the new one is ready.
    const onListening = () => {
      hasListened = true;
      const handle = apps.handleOf(fresh);
      if (!handle || (!handle.takesPart && !apps.handleOf(old)?.takesPart)) end({ ready: true });
    };
    const onExit = (code: number, signal: string | null) => {
      const { status } = fresh.pm2_env;
      if (status === "stopping" || status === "stopped") {
        end({ interrupted: true });
        return;
      }
      // Keeps PM2 from restarting it: it restarts nothing that is being stopped.
      fresh.pm2_env.status = "stopping";
      const reason = signal ? `was killed by ${signal}` : `exited with code ${code}`;
      const fail = () => end({ ready: false, reason });
      // What the worker said last may arrive after the end of its process.
      if (fresh.isConnected()) fresh.once("disconnect", fail);
      else fail();
    };
    const unwatch = apps.watch(fresh, onChange);
    fresh.on("listening", onListening);
    // This has to run before PM2's own listener, which would restart the worker.
    fresh.prependOnceListener("exit", onExit);
    onChange();
  });
}

/**
 * Whether the new worker has the servers that it needs to replace the old one. If the old one has no Socket.IO, any
 * server will do. If it has, that means a server with Socket.IO: a metrics server, for example, may listen long before
 * that. Or it means as many servers as the old one has: Socket.IO may be attached by a request, which can come only
 * when the worker has taken the old one's place.
 */
function isReplacement(apps: StickyApps, fresh: Process, old: Process): boolean {
  const [now, before] = [apps.handleOf(fresh), apps.handleOf(old)];
  if (!now || now.servers.size === 0 || !apps.isServed(fresh)) return false;
  return (
    now.mainServer !== undefined ||
    before?.mainServer === undefined ||
    now.servers.size >= before.servers.size
  );
}

/**
 * Whether the new worker has as many servers as the old one, Socket.IO at as many paths, and a main address that its app
 * has asked for if that of the old one was. What is missing may come a little later (after a connection to a database,
 * say), only by a request, or not at all: that cannot be known, so the reload waits for a while.
 */
function hasAll(now: WorkerHandle | undefined, before: WorkerHandle | undefined): boolean {
  if (!now || !before) return true;
  const asked = ({ servers, mainServer }: WorkerHandle) =>
    mainServer !== undefined && servers.get(mainServer)?.wants !== undefined;
  if (asked(before) && !asked(now)) return false;
  return now.servers.size >= before.servers.size && pathsOf(now) >= pathsOf(before);
}

function pathsOf({ servers }: WorkerHandle): number {
  let count = 0;
  for (const { paths } of servers.values()) count += paths.size;
  return count;
}

/** Removes a worker that did not become ready, and stops it if it still runs. */
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

/** The last lines of the error log, of what was written to it since `start`. */
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
