// SPDX-License-Identifier: AGPL-3.0-only
import { Command } from "commander";
import { describe } from "../errors";
import { requirePm2 } from "../pm2/internals";
import type { AppStatus } from "../primary/status";
import { COMMANDS } from "./commands";
import { renderStatus } from "./render-status";

const { version } = require("../../package.json") as { version: string };

interface Client {
  pingDaemon(callback: (alive: boolean) => void): void;
  launchRPC(callback: (error: Error | null) => void): void;
  executeRemote(
    method: string,
    argument: unknown,
    callback: (error: Error | null, result: unknown) => void,
  ): void;
}

/**
 * Runs `pm2 sticky`. It has a parser of its own, because PM2's cannot be given a second version number, which is ours.
 */
export async function stickyCommand(argv: string[]): Promise<void> {
  const [table] = COMMANDS;
  const program = new Command("pm2");
  const command = program
    .command(table.name)
    .description(table.description)
    .version(version, "--version", "print the version of pm2-socket.io")
    .action(async (app: string | undefined, { json }: { json?: boolean }) => {
      process.exitCode = await show(app, json === true);
    });
  for (const [flags, text] of table.options) command.option(flags, text);
  command
    .command("rebalance <app>")
    .description("spread live sessions evenly over the app's workers (with connection state recovery)")
    .action(async (app: string) => {
      process.exitCode = await rebalance(app);
    });
  // These are PM2's global options, which may stand anywhere and mean nothing here.
  await program.parseAsync(
    argv.filter((word) => word !== "-s" && word !== "--silent" && word !== "--no-color"),
    { from: "user" },
  );
  process.exit();
}

async function show(name: string | undefined, json: boolean): Promise<number> {
  const all = await fetchStatus();
  const apps = name === undefined ? all : all.filter((app) => app.name === name);
  if (name !== undefined && apps.length === 0) {
    console.error(describe("STICKY_UNKNOWN_APP", name));
    return 1;
  }
  console.log(json ? JSON.stringify(apps, null, 2) : renderStatus(apps));
  return 0;
}

async function rebalance(name: string): Promise<number> {
  const moving = await ask("stickyRebalance", name);
  if (typeof moving !== "number") {
    console.error(describe("STICKY_UNKNOWN_APP", name));
    return 1;
  }
  console.log(`${name}: ${moving} sessions move`);
  return 0;
}

/** The status of all apps; empty if there is no daemon. */
async function fetchStatus(): Promise<AppStatus[]> {
  return ((await ask("stickyStatus", {})) ?? []) as AppStatus[];
}

/**
 * Asks the running daemon, and returns its answer. Returns `undefined` if no daemon runs (none is started), or if it is
 * one of plain PM2 that does not know the method; `main.ts` has said that already.
 */
async function ask(method: string, argument: unknown): Promise<unknown> {
  process.env.PM2_DISCRETE_MODE ??= "true";
  const Client = requirePm2("./lib/Client.js");
  const client: Client = new Client();
  const alive = await new Promise<boolean>((resolve) => client.pingDaemon(resolve));
  if (!alive) return undefined;
  await new Promise((resolve) => client.launchRPC(resolve));
  return new Promise((resolve) => {
    client.executeRemote(method, argument, (error, result) => resolve(error ? undefined : result));
  });
}
