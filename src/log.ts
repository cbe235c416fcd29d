// SPDX-License-Identifier: MIT

import { debuglog } from "node:util";

/** Logs why something was done, if the daemon or the worker runs with `NODE_DEBUG=pm2-socket.io` in its environment. */
export const debug = debuglog("pm2-socket.io");

/** Logs each frame of the links, if the process runs with `NODE_DEBUG=pm2-socket.io-frames`. */
export const debugFrame = debuglog("pm2-socket.io-frames");

/** Where messages about an app go: under PM2 to the daemon's log, without it to the console. */
export interface Log {
  info(line: string): void;
  /** Something that the operator has to know. Under PM2 it is also written to the app's error log. */
  error(line: string): void;
}

export const consoleLog: Log = {
  info: (line) => console.log(line),
  error: (line) => console.error(line),
};

/**
 * Wraps what runs on an event or a timer. What it throws is logged with its stack and does not reach the process: under
 * PM2 it would end God, and every app with it.
 */
export function shield<A extends unknown[]>(log: Log, handler: (...args: A) => void): (...args: A) => void {
  return (...args) => {
    try {
      handler(...args);
    } catch (error) {
      log.error(`internal error, please report it: ${error instanceof Error ? error.stack : error}`);
    }
  };
}
