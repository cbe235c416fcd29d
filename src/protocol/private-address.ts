// SPDX-License-Identifier: MIT
import { lstatSync, mkdtempSync, rmdirSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

const PREFIX = "pm2-socket.io-";

/**
 * A new address that only processes of the same user can reach: a Unix socket in a folder of its own (mode 0700), or a
 * named pipe with an unguessable name on Windows. The folder goes with the process.
 */
export function privateAddress(): string {
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  const address = join(folder, "w");
  process.once("exit", () => removePrivateAddress(address));
  return process.platform === "win32" ? `\\\\.\\pipe\\${basename(folder)}` : address;
}

/**
 * Removes what a killed worker had no time to remove itself: the socket and its empty folder. Anything else under that
 * name stays; the address is a worker's word.
 */
export function removePrivateAddress(address: string): void {
  const folder = dirname(address);
  if (!basename(folder).startsWith(PREFIX)) return;
  try {
    if (lstatSync(address, { throwIfNoEntry: false })?.isSocket()) unlinkSync(address);
    rmdirSync(folder);
  } catch {
    // Gone already, or not ours.
  }
}
