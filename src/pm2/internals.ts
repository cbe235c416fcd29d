// SPDX-License-Identifier: AGPL-3.0-only
import type { Worker } from "node:cluster";
import { createRequire } from "node:module";

/**
 * A typed view of the few members of PM2 that we use. Nothing here changes PM2; the seams do that.
 *
 * `requirePm2` loads a file of PM2, or a package that PM2 depends on, whatever PM2's place among our packages is.
 */
export const requirePm2 = createRequire(require.resolve("pm2/package.json"));

export const PM2_VERSION: string = requirePm2("./package.json").version;

/** What PM2 knows about a process: its configuration, its environment and its state, all in one object. */
export interface Pm2Env {
  pm_id: number | string;
  name: string;
  namespace?: string;
  status: string;
  exec_mode: string;
  pm_exec_path: string;
  pm_pid_path: string;
  pm_err_log_path?: string;
  /** A file to which both of its outputs go in addition, if the user has asked for one. */
  pm_log_path?: string;
  disable_logs?: boolean | string;
  exec_interpreter?: string;
  restart_time: number;
  wait_ready?: boolean;
  listen_timeout?: number;
  kill_timeout?: number;
  sticky?: unknown;
  /** Set only while the process is being forked: see `attachWorkers` in `god-seams.ts`. */
  sticky_goes_on?: boolean;
  uid?: number | string;
  gid?: number | string;
  port?: number | string;
  env: Record<string, unknown>;
}

/** A process that PM2 manages. In cluster mode it is a worker of Node's cluster. */
export type Process = Worker & { pm2_env: Pm2Env; pm_id?: number | string };

type Callback<T = unknown> = (error: Error | null, result?: T) => void;

export interface ReloadOptions {
  id: number;
  env?: Record<string, unknown> & { current_conf?: unknown };
}

export interface God {
  clusters_db: Record<string, Process>;
  bus: {
    emit(event: string, data: unknown): void;
    on(event: string, listener: (data: unknown) => void): void;
  };
  nodeApp(env: Pm2Env, callback: Callback<Process>): void;
  executeApp(env: Pm2Env, callback: Callback<Process>): void;
  resetState(env: Pm2Env): void;
  killProcess(pid: number, env: Pm2Env, callback: Callback): void;
  stopProcessId(id: number | string, callback: Callback): void;
  deleteProcessId(id: number | string, callback: Callback): void;
  restartProcessId(options: ReloadOptions, callback: Callback): void;
  reloadProcessId(options: ReloadOptions, callback: Callback): void;
  softReloadProcessId(options: ReloadOptions, callback: Callback): void;
}

const GOD_FUNCTIONS = [
  "nodeApp",
  "executeApp",
  "resetState",
  "killProcess",
  "stopProcessId",
  "deleteProcessId",
  "restartProcessId",
  "reloadProcessId",
  "softReloadProcessId",
] as const;

/** Names the first member that we rely on in the daemon and that is not there; `undefined` if all are. */
export function missingFromGod(god: Partial<God>, rpcServer: { expose?: unknown }): string | undefined {
  for (const name of GOD_FUNCTIONS) if (typeof god[name] !== "function") return `God.${name}`;
  if (typeof god.clusters_db !== "object") return "God.clusters_db";
  if (typeof god.bus?.emit !== "function" || typeof god.bus.on !== "function") return "God.bus";
  if (typeof rpcServer.expose !== "function") return "rpc.Server.expose";
  return undefined;
}

export interface Client {
  daemon_mode: boolean;
  client?: { call(method: string, argument: unknown, callback: Callback): void };
  launchDaemon(...args: unknown[]): unknown;
  executeRemote(method: string, argument: unknown, callback?: (...answer: unknown[]) => void): unknown;
  pingDaemon(callback: (alive: boolean) => void): void;
  launchRPC(callback?: (error: Error | null) => void): void;
}

export interface Api {
  Client: { getProcessByName(name: string, callback: Callback<unknown[]>): void };
  scale(name: string, number: string | number, callback?: Callback): void;
  _operate(action: string, name: unknown, envs: unknown, callback?: Callback): void;
  exitCli(code?: number): unknown;
}

export interface ConfigTool {
  validateJSON(json: Record<string, unknown>): { errors: string[]; config: Record<string, unknown> };
}

export interface Common {
  /** The format of a configuration file, going by its name; null for any other file. */
  isConfigFile(file: unknown): string | null;
}

/** The same for what we rely on in the command and in the programmatic API. */
export function missingFromClient(
  client: Partial<Client>,
  api: Partial<Api>,
  config: Partial<ConfigTool>,
  common: Partial<Common>,
): string | undefined {
  for (const name of ["launchDaemon", "pingDaemon", "launchRPC", "executeRemote"] as const) {
    if (typeof client[name] !== "function") return `Client.${name}`;
  }
  for (const name of ["_operate", "exitCli", "scale"] as const) {
    if (typeof api[name] !== "function") return `API.${name}`;
  }
  if (typeof config.validateJSON !== "function") return "Config.validateJSON";
  return typeof common.isConfigFile === "function" ? undefined : "Common.isConfigFile";
}
