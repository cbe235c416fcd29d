// SPDX-License-Identifier: MIT

import { debuglog } from "node:util";

/** Why something was done, with `NODE_DEBUG=pm2-socket.io` in the environment of the daemon or of a worker. */
export const debug = debuglog("pm2-socket.io");

/** Each frame of the links, with `NODE_DEBUG=pm2-socket.io-frames`. */
export const debugFrame = debuglog("pm2-socket.io-frames");

/** Where an app's messages go: the daemon's log under PM2, the console without it. */
export interface Log {
  info(line: string): void;
  /** Something the operator has to know; under PM2 also in the app's error log. */
  error(line: string): void;
}

export const consoleLog: Log = {
  info: (line) => console.log(line),
  error: (line) => console.error(line),
};

/**
 * Wraps an event handler of the primary: a fault in it is logged once with its stack and never reaches the process,
 * where it would take down God and every app with it.
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
