// SPDX-License-Identifier: AGPL-3.0-only
import cluster, { type Worker } from "node:cluster";
import { appendFile } from "node:fs";
import { createClock, dateMs } from "../clock";
import { appOptions, isSticky } from "../config";
import { describe } from "../errors";
import type { Log } from "../log";
import { App } from "../primary/app";
import { bindWorker } from "../primary/bind-worker";
import { Addresses } from "../primary/connections/addresses";
import { type AppStatus, statusOf } from "../primary/status";
import type { WorkerHandle } from "../primary/workers/worker-handle";
import { Drains } from "./drains";
import type { God, Pm2Env, Process } from "./internals";

/** PM2's default for `listen_timeout`. */
const LISTEN_TIMEOUT_MS = 3000;
/** By this time after the exit of a process PM2 has decided whether to start it again. */
const REVIEW_MS = 100;

/** The descriptor of the pipe that a worker inherits for its link; see `attachWorkers` in `god-seams.ts`. */
export const LINK_FD = 4;

/** One app, with what is known about it only here. */
interface Entry {
  app: App;
  namespace: string;
  /**
   * The configuration of which the app's options were made. If a process comes with another one, they are made anew.
   */
  config: string;
  startTimeoutMs: number;
  drainTimeoutMs: number;
  /** Whether the app had `sticky` at some time and has been served ever since; see `goesOn`. */
  wasSticky: boolean;
  /** Whether the log has a line about the removal of `sticky`. */
  isRemovalSaid: boolean;
}

/** The states in PM2 of a process that runs, or is about to run again. */
const RUNS = ["online", "launching", "waiting restart", "stopping", "one-launch-status"];

/**
 * The apps of God that run in cluster mode, by namespace and name. An app is here from its first process until PM2 has
 * none of its processes any more. That opens no port: a port is opened only when a worker asks to be served.
 */
export class StickyApps {
  readonly clock = createClock();
  readonly drains = new Drains(this.clock);
  private readonly entries = new Map<string, Entry>();
  private readonly handles = new WeakMap<Process, WorkerHandle>();
  private readonly addresses = new Addresses<WorkerHandle>(this.clock, (port, app) =>
    this.heldByCluster(port, app as App),
  );
  /** By PM2's id of a process: the app as which it was last started. */
  private readonly appOfId = new Map<string, App>();
  /** The ports that workers have by way of Node's cluster module, which opens them in this very process. */
  private readonly clusterPorts = new Map<Worker, Set<number>>();

  constructor(private readonly god: God) {
    cluster.on("listening", (worker, { port }) => {
      const ports = this.clusterPorts.get(worker) ?? new Set();
      this.clusterPorts.set(worker, ports.add(port));
    });
    cluster.on("exit", (worker) => {
      if (this.clusterPorts.delete(worker)) this.addresses.retry();
    });
  }

  /** PM2 has forked a new process of an app. */
  attach(process: Process): void {
    const env = process.pm2_env;
    const slotKey = String(env.pm_id);
    const entry = this.entryFor(env, this.appOfId.get(slotKey));
    const { app } = entry;
    if (isSticky(env.sticky)) Object.assign(entry, { wasSticky: true, isRemovalSaid: false });
    else if (!this.serves(env)) entry.wasSticky = false;
    this.appOfId.set(slotKey, app);
    const handle = bindWorker(app, process, {
      slotKey,
      readyWithinMs: env.wait_ready ? Number(env.listen_timeout ?? LISTEN_TIMEOUT_MS) : undefined,
      owner: ownerOf(env),
      pipeFd: LINK_FD,
      // This is of the process and not of the app: each process may have a port of its own (PM2's `increment_var`).
      listenOn: appOptions(env as Parameters<typeof appOptions>[0]).listenOn,
    });
    this.handles.set(process, handle);
    if (env.wait_ready) process.on("message", (message) => message === "ready" && handle.saidReady());
  }

  handleOf(process: Process | undefined): WorkerHandle | undefined {
    return process && this.handles.get(process);
  }

  /** The handle of the process with this pid. */
  handleOfPid(pid: number): WorkerHandle | undefined {
    for (const process of Object.values(this.god.clusters_db)) {
      if (process?.process?.pid === Number(pid)) return this.handleOf(process);
    }
    return undefined;
  }

  /** Whether we serve the app of a process, which means that it has an address. If not, it is none of our business. */
  serves(env: Pm2Env): boolean {
    const app = this.entries.get(keyOf(env))?.app ?? this.appOfId.get(String(env.pm_id));
    return app !== undefined && !this.addresses.ofApp(app).next().done;
  }

  /**
   * Whether the app of a process has lost its `sticky`, but is being served. If so, its new processes are served as the
   * former ones were, until all of them have been stopped, and a line in its log says so.
   */
  goesOn(env: Pm2Env): boolean {
    const entry = this.entries.get(keyOf(env));
    if (!entry?.wasSticky || isSticky(env.sticky) || !this.serves(env)) return false;
    if (!entry.isRemovalSaid) entry.app.log.error(describe("STICKY_REMOVED"));
    entry.isRemovalSaid = true;
    return true;
  }

  /** Whether a process is ready and its app has others online, which can take over while it is replaced. */
  hasPeers(process: Process | undefined): boolean {
    if (!process || this.handleOf(process)?.state !== "ready") return false;
    const app = keyOf(process.pm2_env);
    return Object.values(this.god.clusters_db).some(
      (other) => other !== process && other?.pm2_env?.status === "online" && keyOf(other.pm2_env) === app,
    );
  }

  /** How long a new worker of the app may take to become ready. */
  startTimeoutMs(env: Pm2Env): number {
    // With `wait_ready`, `listen_timeout` is how long the user wants to wait for "ready".
    if (env.wait_ready && env.listen_timeout) return Number(env.listen_timeout);
    return Math.max(this.entries.get(keyOf(env))?.startTimeoutMs ?? 0, Number(env.listen_timeout ?? 0));
  }

  /** How long a worker of the app may go on to give up its sessions, as long as it makes progress. */
  drainTimeoutMs(env: Pm2Env): number {
    return this.entries.get(keyOf(env))?.drainTimeoutMs ?? 0;
  }

  /** Why an address that a process asked for is not open; `undefined` if all its addresses are, or are about to be. */
  refusalOf(process: Process): string | undefined {
    const handle = this.handleOf(process);
    return handle && this.addresses.refusalOf(handle);
  }

  /** Whether the addresses of a process are open. */
  isServed(process: Process): boolean {
    const handle = this.handleOf(process);
    return handle !== undefined && this.addresses.isServed(handle);
  }

  /** Calls `watch` on every change of the worker of a process, until the returned function is called. */
  watch(process: Process, watch: (handle: WorkerHandle) => void): () => void {
    const handle = this.handleOf(process);
    const app = this.appOfId.get(handle?.slotKey ?? "");
    return app?.watch((changed) => changed === handle && watch(changed)) ?? (() => {});
  }

  /**
   * The process with this id, and one that it replaces, are to end without a drain. Without an id, all processes are.
   */
  hurry(id?: number): void {
    for (const [key, process] of Object.entries(this.god.clusters_db)) {
      if (id === undefined || key === String(id) || key === `_old_${id}`) this.handleOf(process)?.hurry();
    }
  }

  /** A process has ended, was stopped or deleted. Calls {@link review} when it is known whether it will run again. */
  reviewSoon(): void {
    this.clock.after(REVIEW_MS, () => this.review());
  }

  /** Gives up the addresses of processes that will not run again, and the apps without processes. */
  review(): void {
    const processes = Object.values(this.god.clusters_db).filter((process) => process?.pm2_env);
    const runs = new Set(
      processes
        .filter(({ pm2_env }) => RUNS.includes(pm2_env.status))
        .map(({ pm2_env }) => String(pm2_env.pm_id).replace("_old_", "")),
    );
    for (const id of this.appOfId.keys()) if (!runs.has(id)) this.addresses.release(id);
    // A process that is being replaced has another id meanwhile, see `reload.ts`.
    const ids = new Set(processes.map(({ pm2_env }) => String(pm2_env.pm_id).replace("_old_", "")));
    for (const id of [...this.appOfId.keys()]) if (!ids.has(id)) this.appOfId.delete(id);
    const keys = new Set(processes.map(({ pm2_env }) => keyOf(pm2_env)));
    for (const [key, { app }] of [...this.entries]) {
      if (keys.has(key) || app.workers.size > 0) continue;
      app.close();
      this.entries.delete(key);
    }
  }

  status(): AppStatus[] {
    return [...this.entries.values()]
      .map(({ app, namespace }) => ({ ...statusOf(app), namespace }))
      .filter(({ state, workers }) => state !== "closed" || workers.length > 0);
  }

  /** Spreads the live sessions of the apps with this name. Returns how many move; `null` if no such app is served. */
  rebalance(name: string): number | null {
    const served = [...this.entries.values()]
      .map(({ app }) => app)
      .filter((app) => app.name === name && !this.addresses.ofApp(app).next().done);
    return served.length === 0 ? null : served.reduce((sum, app) => sum + app.rebalance(), 0);
  }

  /** @param former the app as which this process ran before, maybe under another name */
  private entryFor(env: Pm2Env, former?: App): Entry {
    const key = keyOf(env);
    const config = JSON.stringify(env.sticky ?? null);
    const existing = this.entries.get(key);
    if (existing?.config === config) return existing;
    const { startTimeoutMs, drainTimeoutMs, ...options } = appOptions(
      env as Parameters<typeof appOptions>[0],
    );
    const app = existing?.app ?? new App(env.name, options, this.logFor(env), this.addresses, former?.seats);
    if (existing) app.configure(options);
    const { wasSticky = false, isRemovalSaid = false } = existing ?? {};
    const namespace = env.namespace ?? "default";
    const entry = { app, namespace, config, startTimeoutMs, drainTimeoutMs, wasSticky, isRemovalSaid };
    this.entries.set(key, entry);
    return entry;
  }

  /** Who has a port by way of Node's cluster module, and whether that is the app which asks for it. */
  private heldByCluster(port: number, app: App): { holder?: string; isMoving: boolean } {
    const holders = Object.values(this.god.clusters_db).filter((process) =>
      this.clusterPorts.get(process as Worker)?.has(port),
    );
    const isMoving = holders.some(({ pm2_env }) => this.entries.get(keyOf(pm2_env))?.app === app);
    const names = [...new Set(holders.map(({ pm2_env }) => `"${pm2_env.name}"`))].join(" and ");
    return { holder: names ? `app ${names} of this daemon has it` : "this daemon has it", isMoving };
  }

  /** The log for an app. Errors also go where the app's owner looks: to the app's error log, and to `pm2 logs`. */
  logFor({ name, namespace, pm_id, pm_err_log_path }: Pm2Env): Log {
    return {
      info: (line) => console.log(`[pm2-socket.io] ${name}: ${line}`),
      error: (line) => {
        console.error(`[pm2-socket.io] ${name}: ${line}`);
        const data = `[pm2-socket.io] ${line}\n`;
        if (pm_err_log_path) appendFile(pm_err_log_path, data, () => {});
        this.god.bus.emit("log:err", { at: dateMs(), data, process: { pm_id, name, namespace } });
      },
    };
  }
}

/** An app's name together with its namespace. */
export function keyOf({ namespace, name }: Pm2Env): string {
  return JSON.stringify([namespace ?? "default", name]);
}

/** The user and group that PM2 starts a process as, where they are known by number. */
function ownerOf({ uid, gid }: Pm2Env): { uid: number; gid: number } | undefined {
  const user = Number(uid ?? Number.NaN);
  if (!Number.isInteger(user)) return undefined;
  const group = Number(gid ?? Number.NaN);
  return { uid: user, gid: Number.isInteger(group) ? group : user };
}
