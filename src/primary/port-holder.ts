// SPDX-License-Identifier: MIT
import { readdir, readFile, readlink } from "node:fs/promises";

/** Line of /proc/net/tcp: local address, remote address, state 0A (listening), …, inode. */
const LISTENING = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F:]+ 0A (?:\S+\s+){5}(\d+)/;

/**
 * Which process listens on a TCP port, as far as the operating system tells us: Linux does, for processes of the same
 * user (all of them for root). For a log line only, so that whoever reads it need not look for the culprit.
 */
export async function portHolder(port: number): Promise<string | undefined> {
  try {
    const inodes = new Set<string>();
    for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
      for (const line of (await readFile(table, "utf8").catch(() => "")).split("\n")) {
        const match = LISTENING.exec(line);
        if (match && Number.parseInt(match[1]!, 16) === port) inodes.add(`socket:[${match[2]}]`);
      }
    }
    if (inodes.size === 0) return undefined;
    for (const pid of await readdir("/proc")) {
      if (/^\d+$/.test(pid) && (await holds(pid, inodes))) {
        const command = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
        return `held by pid ${pid} (${command.split("\0").join(" ").trim().slice(0, 80)})`;
      }
    }
  } catch {
    // Not Linux, or not our business.
  }
  return undefined;
}

async function holds(pid: string, inodes: Set<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  for (const fd of await readdir(folder).catch(() => [])) {
    const target = await readlink(`${folder}/${fd}`).catch(() => "");
    if (inodes.has(target)) return true;
  }
  return false;
}
