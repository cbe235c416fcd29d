// SPDX-License-Identifier: AGPL-3.0-only
import { extname, resolve } from "node:path";
import { requirePm2 } from "./internals";

/** PM2 takes everything that ends so for Node: `node`, `/usr/bin/node`, `ts-node`. So does it `node@22`. */
const NODE = /(?:^|[\\/@-])node(?:\.exe)?$|^node@/i;
/** What PM2's table has another interpreter for, and Node runs all the same in cluster mode. */
const RUN_BY_NODE = new Set([".js", ".ts", ".tsx"]);

/**
 * What would run an app in place of Node, if anything: PM2's own rules, for what can be known when the app is started. In
 * cluster mode PM2 runs every script with the Node of its daemon, whatever the app says; such an app fails with a syntax
 * error that names no reason.
 */
export function otherInterpreter(config: Record<string, unknown>): string | undefined {
  const { exec_interpreter: interpreter, script, cwd } = config;
  if (typeof interpreter === "string" && interpreter !== "") {
    if (NODE.test(interpreter)) return undefined;
    return interpreter === "none" ? 'nothing (interpreter "none")' : `"${interpreter}"`;
  }
  if (typeof script !== "string") return undefined;
  const extension = extname(script);
  const byExtension = requirePm2("./lib/API/interpreter.json")[extension];
  if (byExtension !== undefined) return RUN_BY_NODE.has(extension) ? undefined : `"${byExtension}"`;
  return isBinary(resolve(typeof cwd === "string" ? cwd : "", script)) ? "itself, being a binary" : undefined;
}

function isBinary(file: string): boolean {
  try {
    return requirePm2("./lib/tools/isbinaryfile.js")(file) === true;
  } catch {
    return false; // there is no such file: PM2 says so
  }
}
