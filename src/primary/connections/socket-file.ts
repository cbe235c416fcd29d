// SPDX-License-Identifier: MIT
import { lstatSync, renameSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { connect } from "node:net";

/** The files of Unix sockets. No file is ever removed here but a dead socket, or one that this process has made. */

/** The inode of the file that lies at the path, by which it can be recognised; `undefined` if there is none. */
export function inodeAt(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

/** Removes the Unix socket at a path if nobody listens on it any more. Returns whether it was removed. */
export function removeDeadSocket(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    // This has to be checked first: a regular file refuses connections just as a dead socket does.
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
 * Closes the server of a Unix socket. Node's `close` removes whatever lies at the server's path, even if
 * somebody has put another file there meanwhile. Such a file is renamed while the server is closed, and gets
 * its name back after that.
 *
 * @param inode the inode of the file that the server has made
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
