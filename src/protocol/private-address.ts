// SPDX-License-Identifier: MIT
import { chownSync, lstatSync, mkdtempSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { ServerNumber } from "./messages";

const PREFIX = "pm2-socket.io-";

/**
 * A new folder for the private addresses of one worker's servers. Only the user of that worker can look into it (mode
 * 0700), so only the primary and the app's own workers can connect to them.
 *
 * @param owner the user and group that the worker runs as, where it is not the primary's own
 */
export function makePrivateFolder(owner?: { uid: number; gid: number }): string {
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  if (owner) chownSync(folder, owner.uid, owner.gid);
  return folder;
}

/** The private address of a server: a Unix socket in the folder, or on Windows a named pipe that nobody can guess. */
export function privateAddress(folder: string, server: ServerNumber): string {
  return process.platform === "win32"
    ? `\\\\.\\pipe\\${basename(folder)}-${server}`
    : join(folder, String(server));
}

/** Removes a folder of {@link makePrivateFolder} with the sockets that a killed worker had no time to remove itself. */
export function removePrivateFolder(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (/^\d+$/.test(name) && lstatSync(path).isSocket()) unlinkSync(path);
    }
    rmdirSync(folder);
  } catch {
    // Gone already, or somebody has put something else there, which is not ours to remove.
  }
}
