// SPDX-License-Identifier: AGPL-3.0-only
/** What the `pm2` command runs: one of our own commands, or PM2's, changed by our seams. */
import { describe } from "../errors";
import type { Action } from "../pm2/actions";
import { applyClientSeams } from "../pm2/client-seams";
import { requirePm2 } from "../pm2/internals";
import { commandOf, register } from "./commands";
import { Progress } from "./progress";

/** @param binary which of PM2's programs to run */
export function run(binary: "CLI" | "Runtime4Docker" | "DevCLI"): void {
  const argv = process.argv.slice(2);
  const command = commandOf(argv);
  // In `pm2 scale app -1`, "-1" would be taken for an option; behind "--" it is not.
  const fewer = command === "scale" ? process.argv.findIndex((word) => /^-\d+$/.test(word)) : -1;
  if (fewer > 0 && !argv.includes("--")) process.argv.splice(fewer, 0, "--");
  const progress = new Progress();
  const force = argv.includes("--force") || argv.includes("-f");
  const follow = (action: Action) => {
    if (force && action.ends) action.hurry();
    return progress.follow(action);
  };
  applyClientSeams(() => {
    // `pm2 update` is the remedy itself, and `pm2 kill` needs none.
    if (command !== "update" && command !== "kill") console.error(describe("STICKY_DAEMON"));
  }, follow);
  if (binary === "CLI" && command === "sticky") {
    const { stickyCommand } = require("./sticky-command") as typeof import("./sticky-command");
    void stickyCommand(argv);
    return;
  }
  if (binary !== "DevCLI") register(command);
  requirePm2(`./lib/binaries/${binary}.js`);
}
