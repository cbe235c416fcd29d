// SPDX-License-Identifier: AGPL-3.0-only
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { isSticky } from "../config";
import type { Pm2Env } from "./internals";

/** What may be part of an app's bundle and then sends binary data over the IPC channel. */
const OFFICIAL = ["@socket.io/sticky", "@socket.io/cluster-adapter"];

/**
 * How the messages of a process's IPC channel are written. PM2's own is JSON, and what an app sends has to arrive as it
 * does there: JSON drops a function in an object, "advanced" refuses it with an error. Only where an app uses the
 * official packages "advanced" is what it expects, as it has it with `@socket.io/pm2`. Nothing else depends on the
 * answer: all of our messages travel over either.
 */
export function serializationFor(env: Pm2Env): "advanced" | undefined {
  return isSticky(env.sticky) || findsBeside(env.pm_exec_path, OFFICIAL) ? "advanced" : undefined;
}

/**
 * Whether one of the packages is found from where the script is, or from where it really is if it is a link. It is a hint:
 * an app may load packages from elsewhere, or have these and never load them.
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
