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
  socketsOf,
} from "./session-internals";
import type { Whereabouts } from "./whereabouts";

const FLUSH_TIMEOUT_MS = 1000;
const LOOK_AGAIN_MS = 5;

/**
 * Giving a live session to another worker; `ackTimeoutMs` is how long it may take until it owes and awaits no
 * acknowledgement, `connectBy` when it must have a socket:
 *
 *     connecting (its first socket) ──▶ awaiting
 *     awaiting (answers of the client) ──▶ paused (nothing is read) ──▶ owing (answers of the app)
 *        ▲                                                                │ it asked the client again
 *        └────────────────────────────────────────────────────────────────┘
 *     owing ──▶ parted (its sockets are closed here) ──flushed──▶ moved: the caller sends its socket
 *     any ──timeout, closed, not movable──▶ undefined: the caller closes it, and its client recovers by reconnecting
 */
export async function giveUpSession(
  conn: EioSocket,
  link: WorkerLink,
  whereabouts: Whereabouts,
  ackTimeoutMs: number,
  connectBy: number,
): Promise<{ sid: string; socket: Socket | undefined } | undefined> {
  const connecting = () => socketsOf(conn).length === 0 || whereabouts.isArriving(conn.id);
  while (connecting() && link.recovers && conn.readyState === "open" && Date.now() < connectBy) {
    await delay(LOOK_AGAIN_MS);
  }
  if (connecting() || !canMove(conn, socketsOf(conn))) return undefined;
  const deadline = Date.now() + ackTimeoutMs;
  if (!(await comeToRest(conn, link, deadline))) return undefined;

  const sockets = socketsOf(conn);
  const session = describeSession(conn, sockets, link.lastOrder);
  whereabouts.leave(conn.id);
  part(sockets);
  if (!(await flushed(conn))) {
    whereabouts.stay(conn.id);
    return undefined;
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

/** Returns with reading stopped, at the boundary of a message, and with no answer open either way. */
async function comeToRest(conn: EioSocket, link: WorkerLink, deadline: number): Promise<boolean> {
  const tcp = () => conn.transport.socket?._socket;
  const awaits = () => isConnecting(conn) || awaitsAcks(socketsOf(conn));
  const owes = () => {
    const sockets = socketsOf(conn);
    return owesAcks(sockets) || sockets.some(({ client }) => link.outbox.holds(client));
  };
  const undisturbed = () => !conn.upgrading && !awaits() && atMessageBoundary(conn);
  while (Date.now() < deadline && conn.readyState === "open" && socketsOf(conn).length > 0) {
    if (undisturbed()) {
      const paused = tcp();
      if (paused) stopReading(paused);
      while (owes() && !awaits() && Date.now() < deadline) await delay(1);
      if (!owes() && undisturbed()) return conn.readyState === "open" && socketsOf(conn).length > 0;
      if (paused) resumeReading(paused);
    }
    await delay(LOOK_AGAIN_MS);
  }
  return false;
}
