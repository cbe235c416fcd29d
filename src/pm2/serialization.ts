// SPDX-License-Identifier: AGPL-3.0-only
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { isSticky } from "../config";
import type { Pm2Env } from "./internals";

/** The official packages. They may be part of an app's bundle, and then send binary data over the IPC channel. */
const OFFICIAL = ["@socket.io/sticky", "@socket.io/cluster-adapter"];

/**
 * How the messages on the IPC channel of a process are serialized. PM2 uses JSON (`undefined`), and what an app sends
 * has to arrive as it does with PM2: JSON drops a function in an object, for example, while "advanced" throws an error.
 * Only an app that uses the official packages expects "advanced", which it has with `@socket.io/pm2`. Nothing else
 * depends on the answer: our own messages survive both.
 */
export function serializationFor(env: Pm2Env): "advanced" | undefined {
  return isSticky(env.sticky) || findsBeside(env.pm_exec_path, OFFICIAL) ? "advanced" : undefined;
}

/**
 * Whether one of the packages can be found from the place of the script or, if the script is a symbolic link, from that
 * of the file it points to. This is a hint: an app may load packages from elsewhere, or have these and never load them.
 */
export function findsBeside(script: string, packages: readonly string[]): boolean {
  return [script, realPath(script)].some((path) => {
    const { resolve } = createRequire(path);
    return packages.some((name) => {
      try {
        return resolve(name) !== "";
      } catch {
        return false;
      }
    });
  });
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
