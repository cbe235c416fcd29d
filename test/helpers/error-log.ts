import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Daemon } from "./daemon";

/** What the error logs of a daemon's apps have, all processes together; of one app if its name is given. */
export function errorLog(daemon: Daemon, app = ""): string {
  const folder = join(daemon.home, "logs");
  if (!existsSync(folder)) return "";
  const files = readdirSync(folder).filter((name) => name.startsWith(app) && name.includes("-error"));
  return files.map((name) => readFileSync(join(folder, name), "utf8")).join("");
}

/** Those of its lines that a word is in. */
export function errorLines(daemon: Daemon, word: string, app?: string): string[] {
  return errorLog(daemon, app)
    .split("\n")
    .filter((line) => line.includes(word));
}
