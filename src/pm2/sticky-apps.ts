// SPDX-License-Identifier: AGPL-3.0-only
import { appendFile } from "node:fs";
import { createClock, dateMs } from "../clock";
import { appOptions } from "../config";
import type { Log } from "../log";
import { App } from "../primary/app";
import { bindWorker } from "../primary/bind-worker";
import { type AppStatus, statusOf } from "../primary/status";
import type { WorkerHandle } from "../primary/workers/worker-handle";
import { Drains } from "./drains";
import type { God, Pm2Env, Process } from "./internals";

interface Entry {
  app: App;
  /** The configuration the app was made of; another one replaces it. */
  config: string;
  startTimeoutMs: number;
  drainTimeoutMs: number;
}

/**
 * The apps of God that run in cluster mode, by namespace and name. An entry is made with the app's first process and goes
 * with its last; a port is opened only when a worker asks to be served.
 */
export class StickyApps {
  readonly clock = createClock();
  readonly drains = new Drains(this.clock);
  private readonly entries = new Map<string, Entry>();
  private readonly handles = new WeakMap<Process, WorkerHandle>();

  constructor(private readonly god: God) {}

  /** A new process of an app. */
  attach(process: Process): void {
    const env = process.pm2_env;
    const { app } = this.entryFor(env);
    const handle = bindWorker(app, process, String(env.pm_id), env.wait_ready === true);
    this.handles.set(process, handle);
    if (env.wait_ready) process.on("message", (message) => message === "ready" && handle.release());
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

  /** Whether the app of a process is served by us; else it is none of our business. */
  serves(env: Pm2Env): boolean {
    return this.entries.get(keyOf(env))?.app.listener !== undefined;
  }

  /** Whether there are other workers of the process's app that can serve meanwhile. */
  hasPeers(process: Process | undefined): boolean {
    if (!process || this.handleOf(process)?.state !== "ready") return false;
    const app = keyOf(process.pm2_env);
    return Object.values(this.god.clusters_db).some(
      (other) => other !== process && other?.pm2_env?.status === "online" && keyOf(other.pm2_env) === app,
    );
  }

  /** How long a new worker of the app may take to become ready. */
  startTimeoutMs(env: Pm2Env): number {
    return Math.max(this.entries.get(keyOf(env))?.startTimeoutMs ?? 0, env.listen_timeout ?? 0);
  }

  /** How long a worker of the app may go on to give up its sessions, as long as it makes progress. */
  drainTimeoutMs(env: Pm2Env): number {
    return this.entries.get(keyOf(env))?.drainTimeoutMs ?? 0;
  }

  /** The process with this id, and one that it replaces, are to end at once. Without an id, all are. */
  hurry(id?: number): void {
    for (const [key, process] of Object.entries(this.god.clusters_db)) {
      if (id === undefined || key === String(id) || key === `_old_${id}`) this.handleOf(process)?.hurry();
    }
  }

  /** A process was deleted: the app's port is closed with the last one. */
  onDeleted(env: Pm2Env): void {
    const key = keyOf(env);
    for (const process of Object.values(this.god.clusters_db)) {
      if (process?.pm2_env && keyOf(process.pm2_env) === key) return;
    }
    this.entries.get(key)?.app.close();
    this.entries.delete(key);
  }

  status(): AppStatus[] {
    return [...this.entries.values()]
      .map(({ app }) => statusOf(app))
      .filter(({ state, workers }) => state !== "closed" || workers.length > 0);
  }

  /** Spreads the live sessions of the apps of this name; returns how many move, or `null` if there is no such app. */
  rebalance(name: string): number | null {
    const served = [...this.entries.values()].filter(({ app }) => app.name === name && app.listener);
    return served.length === 0 ? null : served.reduce((sum, { app }) => sum + app.rebalance(), 0);
  }

  private entryFor(env: Pm2Env): Entry {
    const key = keyOf(env);
    const config = JSON.stringify([env.sticky, env.port, env.env?.PORT]);
    const existing = this.entries.get(key);
    if (existing?.config === config) return existing;
    const { startTimeoutMs, drainTimeoutMs, ...options } = appOptions(
      env as Parameters<typeof appOptions>[0],
    );
    const app = existing?.app ?? new App(env.name, options, this.logFor(env));
    if (existing) app.configure(options);
    const entry = { app, config, startTimeoutMs, drainTimeoutMs };
    this.entries.set(key, entry);
    return entry;
  }

  /** Errors also go where the app's owner looks: its error log and `pm2 logs`. */
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
  return `${namespace ?? "default"}\n${name}`;
}
