// SPDX-License-Identifier: MIT
import { readdir, readFile, readlink } from "node:fs/promises";

/** A line of /proc/net/tcp of a socket that listens: number, local address, remote address, state 0A, …, inode. */
const LISTENING = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F:]+ 0A (?:\S+\s+){5}(\d+)/;

export interface PortHolder {
  /** `false` only if it is certain that nobody listens on the port any more. */
  held: boolean;
  pid?: number;
  /** Who holds it, for a log line. */
  holder?: string;
}

/**
 * Finds out which process listens on a TCP port, so that whoever reads the log need not look for it. Only Linux tells
 * that, and only of processes of the same user (or to root).
 */
export async function portHolder(port: number): Promise<PortHolder> {
  const sockets = await listeningSockets(port);
  if (!sockets) return { held: true };
  const pids = await readdir("/proc").catch(() => []);
  for (const pid of pids.filter((name) => /^\d+$/.test(name))) {
    if (!(await hasOneOf(pid, sockets))) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
    return {
      held: true,
      pid: Number(pid),
      holder: `held by pid ${pid} (${command.replaceAll("\0", " ").trim().slice(0, 80)})`,
    };
  }
  // No process was found: either it is another user's, or it has closed the port while we looked.
  return { held: (await listeningSockets(port))?.size !== 0 };
}

/** The sockets that listen on a port, by the names that /proc has for them; `undefined` if there is no /proc. */
async function listeningSockets(port: number): Promise<Set<string> | undefined> {
  const sockets = new Set<string>();
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "utf8").catch(() => "")),
  );
  if (tables.every((table) => table === "")) return undefined;
  for (const line of tables.join("\n").split("\n")) {
    const match = LISTENING.exec(line);
    if (match && Number.parseInt(match[1]!, 16) === port) sockets.add(`socket:[${match[2]}]`);
  }
  return sockets;
}

async function hasOneOf(pid: string, sockets: Set<string>): Promise<boolean> {
  if (sockets.size === 0) return false;
  const folder = `/proc/${pid}/fd`;
  for (const fd of await readdir(folder).catch(() => [])) {
    if (sockets.has(await readlink(`${folder}/${fd}`).catch(() => ""))) return true;
  }
  return false;
}
