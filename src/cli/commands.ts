// SPDX-License-Identifier: AGPL-3.0-only
import { requirePm2 } from "../pm2/internals";

/** Our own commands. From this table, and the next one, they get into PM2's help and completion. */
export const COMMANDS = [
  {
    name: "sticky [app]",
    description: "show the listeners and workers of Socket.IO apps",
    options: [["--json", "print JSON"]],
  },
] as const;

/** Our own options of `pm2 start`. */
export const START_OPTIONS = [
  ["--sticky", "serve Socket.IO from one public port, with sticky sessions (implies cluster mode)"],
  ["--port <port>", "set the app's PORT, which is also its public port with sticky sessions"],
] as const;

/** The commands of PM2 that have a `--port` of their own. */
const OWN_PORT = ["serve", "expose"];

/** Options with a value that may stand in front of the command. Their values must not be taken for the command. */
const WITH_VALUE = ["-n", "--name", "--namespace", "-i", "--instances", "--port", "--env", "--cwd"];

interface Commander {
  command(name: string): Commander;
  description(text: string): Commander;
  option(flags: string, description: string): Commander;
}

/** The name of the command in a command line, as "start" in `pm2 --name sticky start app.js`. */
export function commandOf(argv: readonly string[]): string | undefined {
  return argv.find((word, i) => !word.startsWith("-") && !WITH_VALUE.includes(argv[i - 1] ?? ""));
}

/**
 * Adds our commands and options to PM2's command line. The values of the options need not be passed on: PM2 takes
 * options that its schema knows, as it does `sticky`, from the command line into the app's configuration.
 */
export function register(command: string | undefined): void {
  const commander: Commander = requirePm2("commander");
  for (const [flags, description] of START_OPTIONS) {
    if (!flags.startsWith("--port") || !OWN_PORT.includes(command ?? "")) {
      commander.option(flags, description);
    }
  }
  for (const { name, description, options } of COMMANDS) {
    const ours = commander.command(name).description(description);
    for (const [flags, text] of options) ours.option(flags, text);
  }
}
