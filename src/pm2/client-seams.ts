// SPDX-License-Identifier: AGPL-3.0-only
import childProcess from "node:child_process";
import { join } from "node:path";
import { describe } from "../errors";
import { type Action, followActions } from "./actions";
import {
  type Api,
  type Client,
  type Common,
  type ConfigTool,
  missingFromClient,
  PM2_VERSION,
  requirePm2,
} from "./internals";
import { knowExampleConfig, knowSticky } from "./options";

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
