// SPDX-License-Identifier: AGPL-3.0-only
import childProcess from "node:child_process";
import { join } from "node:path";
import { createClock } from "../clock";
import { checkStickyOptions, isSticky } from "../config";
import { describe } from "../errors";
import type { DrainProgress } from "./drains";
import {
  type Api,
  type Client,
  type Common,
  type ConfigTool,
  missingFromClient,
  PM2_VERSION,
  requirePm2,
} from "./internals";
import { otherInterpreter } from "./interpreter";

/**
 * Changes what of PM2 runs outside the daemon, that is, in the `pm2` command and in programs that use the programmatic
 * API: which daemon is started, and which configuration it is given. Each change is one of the functions below. If this
 * PM2 is not the release that we know, nothing is changed, and an error says so.
 *
 * @param onStockDaemon is called if the running daemon was started by plain `pm2`
 * @param onAction is called for each process that PM2 asks the daemon to stop, delete, restart or reload; PM2 gets the
 *   daemon's answer only when what this returns has resolved
 */
export function applyClientSeams(
  onStockDaemon: () => void = () => {},
  onAction?: (action: Action) => Promise<void>,
): void {
  const client: Client = requirePm2("./lib/Client.js").prototype;
  const api: Api = requirePm2("./lib/API.js").prototype;
  const config: ConfigTool = requirePm2("./lib/tools/Config.js");
  const common: Common = requirePm2("./lib/Common.js");
  const missing = missingFromClient(client, api, config, common);
  if (missing) {
    console.error(describe("STICKY_PM2_CHANGED", PM2_VERSION, missing));
    return;
  }
  launchOurDaemon(client);
  prepareDaemonInProcess(client);
  noticeStockDaemon(client, onStockDaemon);
  knowSticky(config);
  knowExampleConfig(common);
  exitWithFailedReload(api);
  scaleDown(api);
  if (onAction) followActions(client, onAction);
}

/**
 * PM2 spawns its daemon by the name of a file. While it does that, the name is replaced by that of our daemon's file.
 */
function launchOurDaemon(client: Client): void {
  const { launchDaemon } = client;
  const stock = requirePm2.resolve("./lib/Daemon.js");
  const ours = join(__dirname, "daemon.js");
  client.launchDaemon = function (...args) {
    const { spawn } = childProcess;
    childProcess.spawn = ((command: string, argv: string[], options: childProcess.SpawnOptions) =>
      spawn(
        command,
        argv.map((argument) => (argument === stock ? ours : argument)),
        options,
      )) as typeof spawn;
    try {
      return launchDaemon.apply(this, args);
    } finally {
      childProcess.spawn = spawn;
    }
  };
}

/**
 * With `--no-daemon`, PM2 runs its daemon in the process of the command, unless one is running already. So the daemon
 * has to be changed in this process, before it starts.
 */
function prepareDaemonInProcess(client: Client): void {
  const { pingDaemon } = client;
  client.pingDaemon = function (callback) {
    pingDaemon.call(this, (alive) => {
      if (!alive && this.daemon_mode === false) {
        const { applyGodSeams } = require("./god-seams") as typeof import("./god-seams");
        applyGodSeams();
      }
      callback(alive);
    });
  };
}

/**
 * Notices that the running daemon is one of plain PM2: it does not know our methods, and answers with an error. The
 * command does not wait for that answer.
 */
function noticeStockDaemon(client: Client, onStockDaemon: () => void): void {
  const { launchRPC } = client;
  client.launchRPC = function (callback) {
    launchRPC.call(this, (error) => {
      if (!error) {
        this.client?.call("stickyPing", {}, (refusal) => {
          if (refusal) onStockDaemon();
        });
      }
      callback?.(error);
    });
  };
}

/** Something that PM2 asks the daemon to do with one process, such as to reload it. */
export interface Action {
  /** PM2's id of the process. */
  id: number;
  /** When PM2 asked, in milliseconds on the machine's monotonic clock. */
  startedMs: number;
  /** Whether the process is to end, and no new one to take its place. */
  ends: boolean;
  /** Resolves when the daemon has answered. */
  done: Promise<void>;
  /** Asks the daemon for the drains of workers that have begun since then; without an answer in time there are none. */
  drains(sinceMs: number): Promise<DrainProgress[]>;
  /** Has the process end without giving up its sessions first. */
  hurry(): void;
}

const clock = createClock();
const ANSWER_TIMEOUT_MS = 2000;
const ACTIONS = /^(stop|delete|restart|reload|softReload)ProcessId$/;

/** Tells `onAction` of what PM2 asks the daemon to do with processes. */
function followActions(client: Client, onAction: (action: Action) => Promise<void>): void {
  const { executeRemote } = client;
  client.executeRemote = function (method, argument, callback) {
    if (!ACTIONS.test(method) || !this.client) return executeRemote.call(this, method, argument, callback);
    const id = Number((argument as { id?: unknown })?.id ?? argument);
    const drains = (sinceMs: number) =>
      new Promise<DrainProgress[]>((resolve) => {
        const answer = (error: unknown, result?: unknown) =>
          resolve(error || !Array.isArray(result) ? [] : result);
        if (this.client) this.client.call("stickyDrains", sinceMs, answer);
        // If the daemon has ended meanwhile, nobody answers.
        clock.after(this.client ? ANSWER_TIMEOUT_MS : 0, () => resolve([]));
      });
    let done = () => {};
    const action = {
      id,
      startedMs: clock.now(),
      done: new Promise<void>((resolve) => {
        done = resolve;
      }),
      drains,
      ends: method === "stopProcessId" || method === "deleteProcessId",
      hurry: () => this.client?.call("stickyHurry", id, () => {}),
    };
    const followed = onAction(action);
    return executeRemote.call(this, method, argument, (...answer) => {
      done();
      followed.finally(() => callback?.(...answer));
    });
  };
}

/**
 * Makes PM2 take `sticky` from an ecosystem file or the command line, and checks it. PM2 drops options that
 * its schema does not know.
 */
function knowSticky(config: ConfigTool): void {
  const schema: Record<string, unknown> = requirePm2("./lib/API/schema.json");
  schema.sticky = {
    type: ["boolean", "object"],
    docDefault: false,
    docDescription: "Serve Socket.IO from one public port, with sticky sessions",
  };
  const { validateJSON } = config;
  config.validateJSON = function (json) {
    const result = validateJSON.call(this, json);
    if (json.sticky === undefined) return result;
    const wrong = checkStickyOptions(json.sticky);
    // If the type is wrong, PM2 complains as well, and would say the same in other words.
    result.errors = result.errors.filter((error) => wrong.length === 0 || !error.includes('"sticky"'));
    result.errors.push(...wrong.map((what) => describe("STICKY_OPTION", what)));
    if (isSticky(json.sticky)) {
      const mode = result.config.exec_mode;
      if (mode === undefined) result.config.exec_mode = "cluster_mode";
      else if (mode !== "cluster_mode") result.errors.push(describe("STICKY_EXEC_MODE", String(mode)));
      const other = otherInterpreter(result.config);
      if (other) result.errors.push(describe("STICKY_INTERPRETER", other));
    }
    return result;
  };
}

/**
 * Makes PM2 take a file such as `ecosystem.config.example.js` for a configuration. Going by the name, PM2 would take it
 * for the script of an app.
 */
function knowExampleConfig(common: Common): void {
  const { isConfigFile } = common;
  common.isConfigFile = (file) =>
    isConfigFile.call(common, file) ?? (/\.config\.example\.js$/.test(String(file)) ? "js" : null);
}

/** Makes `pm2 scale app -1` work. PM2 means to do that itself, but throws. */
function scaleDown(api: Api): void {
  const { scale } = api;
  api.scale = function (name, number, callback) {
    if (!/^-\d+$/.test(String(number))) {
      scale.call(this, name, number, callback);
      return;
    }
    this.Client.getProcessByName(name, (_, processes) => {
      // If there is no such app, PM2 says so.
      const left = Math.max(0, (processes?.length ?? 0) + Number(number));
      scale.call(this, name, left, callback);
    });
  };
}

/**
 * Makes `pm2 reload ecosystem.config.js` exit with 1 if the reload has failed. PM2 prints the error, but exits with 0.
 */
function exitWithFailedReload(api: Api): void {
  const { _operate, exitCli } = api;
  let failed = false;
  api._operate = function (action, name, envs, callback) {
    const watched: typeof callback =
      callback &&
      ((error, result) => {
        if (error && action === "reloadProcessId") failed = true;
        callback(error, result);
      });
    _operate.call(this, action, name, envs, watched);
  };
  api.exitCli = function (code) {
    return exitCli.call(this, code || (failed ? 1 : code));
  };
}
