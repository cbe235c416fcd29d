// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

const PREFIX = "pm2-socket.io-";

/**
 * A new address that only processes of the same user can reach: a Unix socket in a folder of its own (mode 0700), or a
 * named pipe with an unguessable name on Windows. The folder goes with the process.
 */
export function privateAddress(): string {
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  process.once("exit", () => removePrivateAddress(join(folder, "w")));
  return process.platform === "win32" ? `\\\\.\\pipe\\${basename(folder)}` : join(folder, "w");
}

/** Removes what a worker left that had no time to do it itself. Touches nothing that does not look like ours. */
export function removePrivateAddress(address: string): void {
  const folder = dirname(address);
  if (!basename(folder).startsWith(PREFIX)) return;
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Somebody else's, or gone: a folder without a listener does no harm.
  }
}
