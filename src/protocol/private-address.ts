// SPDX-License-Identifier: MIT
import { chownSync, lstatSync, mkdtempSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { ServerNumber } from "./messages";

const PREFIX = "pm2-socket.io-";

/** The folders that this process has made and not removed. They do not outlive it, if it ends in order. */
const made = new Set<string>();

/**
 * Makes a new folder for the private addresses of one worker's servers. Only the worker's user can enter
 * it (mode 0700), so other users of the machine cannot connect to these servers and pretend to be a peer
 * that forwards a request.
 *
 * @param owner the user and group that the worker runs as, if they are not the primary's own
 */
export function makePrivateFolder(owner?: { uid: number; gid: number }): string {
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  if (made.size === 0) process.once("exit", removePrivateFolders);
  made.add(folder);
  if (owner) chownSync(folder, owner.uid, owner.gid);
  return folder;
}

/** The private address of a server: a Unix socket in the folder, or on Windows a named pipe that nobody can guess. */
export function privateAddress(folder: string, server: ServerNumber): string {
  return process.platform === "win32"
    ? `\\\\.\\pipe\\${basename(folder)}-${server}`
    : join(folder, String(server));
}

/** Removes all folders that this process has made. */
export function removePrivateFolders(): void {
  for (const folder of [...made]) removePrivateFolder(folder);
}

/**
 * Removes a folder of {@link makePrivateFolder}, with the sockets in it that a killed worker could not remove itself.
 */
export function removePrivateFolder(folder: string): void {
  made.delete(folder);
  if (made.size === 0) process.removeListener("exit", removePrivateFolders);
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (/^\d+$/.test(name) && lstatSync(path).isSocket()) unlinkSync(path);
    }
    rmdirSync(folder);
  } catch {
    // The folder is gone already, or it contains something that is not a socket of ours and stays.
  }
}
