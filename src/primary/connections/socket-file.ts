// SPDX-License-Identifier: MIT
import { lstatSync, renameSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { connect } from "node:net";

/** The files of Unix sockets. Nothing is ever removed that is not a dead socket, or our own. */

/** Which file lies at the path; `undefined` if there is none. */
export function inodeAt(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

/** Removes a Unix socket that nobody serves any more. Returns whether it did. */
export function removeDeadSocket(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    // A regular file refuses connections, too.
    if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return resolve(false);
    const probe = connect(path);
    probe.on("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNREFUSED") return resolve(false);
      unlink(path).then(
        () => resolve(true),
        () => resolve(false),
      );
    });
  });
}

/**
 * Closes the server of a Unix socket. Node's `close` removes whatever lies at the server's path, also if somebody has put
 * another file there meanwhile; such a file is out of the way for that moment.
 *
 * @param inode the file that the server has made
 */
export function closeAt(path: string, inode: number | undefined, close: () => void): void {
  const present = inodeAt(path);
  const aside = `${path}.pm2-socket.io-${process.pid}`;
  const isForeign = present !== undefined && present !== inode && moved(path, aside);
  try {
    close();
  } finally {
    if (isForeign) renameSync(aside, path);
  }
}

function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}
