// SPDX-License-Identifier: AGPL-3.0-only
import { extname, resolve } from "node:path";
import { requirePm2 } from "./internals";

/** The interpreters that PM2 takes for Node: all that end like `node`, `/usr/bin/node` or `ts-node`, and `node@22`. */
const NODE = /(?:^|[\\/@-])node(?:\.exe)?$|^node@/i;
/** Extensions for which PM2's table may name something else, and which Node runs all the same in cluster mode. */
const RUN_BY_NODE = new Set([".js", ".ts", ".tsx"]);

/**
 * Says what would run an app in place of Node, for an error message; `undefined` if it is Node. These are PM2's
 * own rules, as far as they can be applied when the app is started. In cluster mode PM2 runs every script with
 * the Node of its daemon, whatever the app says. So a Python script, for example, would fail with a syntax error
 * that does not tell why.
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
    return false; // there is no such file, and PM2 will say so
  }
}
