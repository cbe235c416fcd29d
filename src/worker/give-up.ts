// SPDX-License-Identifier: MIT

import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { resumeReading, stopReading } from "../node-internals";
import type { WorkerLink } from "./link";
import {
  atMessageBoundary,
  awaitsAcks,
  canMove,
  describeSession,
  detach,
  type EioSocket,
  isConnecting,
  isFlushed,
  owesAcks,
  part,
  type SioSocket,
  socketsOf,
} from "./session-internals";
import type { Whereabouts } from "./whereabouts";

const FLUSH_TIMEOUT_MS = 1000;
const LOOK_AGAIN_MS = 5;

/** A session that has left: its socket is to be sent after it, if it has one. */
export interface Moved {
  sid: string;
  socket: Socket | undefined;
}

/**
 * Giving a live session to another worker; `ackTimeoutMs` is how long it may take until it owes and awaits no
 * acknowledgement:
 *
 *     awaiting (connects and answers of the client) ──▶ paused (nothing is read) ──▶ owing (answers of the app)
 *        ▲                                                                             │ it asked the client again
 *        └─────────────────────────────────────────────────────────────────────────────┘
 *     owing ──▶ parted (its sockets are closed here) ──flushed──▶ moved: the caller sends its socket
 *        │         └──its client does not read──▶ "parted": it cannot stay either
 *        └──timeout, closed, not movable──▶ "stays"
 */
export async function giveUpSession(
  conn: EioSocket,
  link: WorkerLink,
  whereabouts: Whereabouts,
  ackTimeoutMs: number,
): Promise<Moved | "stays" | "parted"> {
  const deadline = Date.now() + ackTimeoutMs;
  const sockets = await comeToRest(conn, link, deadline);
  if (!sockets) return "stays";

  const session = describeSession(conn, sockets, link.lastOrder);
  whereabouts.leave(conn.id);
  part(sockets);
  if (!(await flushed(conn))) {
    whereabouts.stay(conn.id);
    return "parted";
  }
  const socket = detach(conn);
  link.send({ type: "move", session });
  return { sid: session.sid, socket };
}

async function flushed(conn: EioSocket): Promise<boolean> {
  const deadline = Date.now() + FLUSH_TIMEOUT_MS;
  while (!isFlushed(conn)) {
    if (Date.now() > deadline || conn.readyState !== "open") return false;
    await delay(1);
  }
  return conn.readyState === "open";
}

/**
 * Returns the session's sockets, with reading stopped, at the boundary of a message, and with no acknowledgement open
 * either way; or nothing, if that cannot be had.
 */
async function comeToRest(
  conn: EioSocket,
  link: WorkerLink,
  deadline: number,
): Promise<SioSocket[] | undefined> {
  while (Date.now() < deadline && conn.readyState === "open") {
    if (!isConnecting(conn)) {
      // Looked at each time: its client connects to other namespaces and upgrades meanwhile.
      const sockets = socketsOf(conn);
      if (!canMove(conn, sockets)) return undefined;
      if (!awaitsAcks(sockets) && (await pause(conn, sockets, link, deadline))) return sockets;
    }
    await delay(LOOK_AGAIN_MS);
  }
  return undefined;
}

/** Stops reading and waits for the app's answers. Returns whether the session is at rest; else it reads on. */
async function pause(
  conn: EioSocket,
  sockets: readonly SioSocket[],
  link: WorkerLink,
  deadline: number,
): Promise<boolean> {
  if (conn.upgrading || !atMessageBoundary(conn)) return false;
  const paused = conn.transport.socket?._socket;
  if (paused) stopReading(paused);
  while (owesAcks(sockets) && !awaitsAcks(sockets) && Date.now() < deadline) await delay(1);
  const answered = !owesAcks(sockets) && !awaitsAcks(sockets) && !link.outbox.holds(sockets[0]!.client);
  // A poll is not stopped: it may have begun an upgrade, or connected to another namespace.
  const unchanged = !isConnecting(conn) && socketsOf(conn).length === sockets.length;
  const atRest = answered && unchanged && atMessageBoundary(conn) && !conn.upgrading;
  if (atRest && conn.readyState === "open") return true;
  if (paused) resumeReading(paused);
  return false;
}
