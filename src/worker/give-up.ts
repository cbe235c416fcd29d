// SPDX-License-Identifier: MIT

import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { resumeReading, stopReading } from "../node-internals";
import type { WorkerLink } from "./link";
import type { Router } from "./router";
import {
  atMessageBoundary,
  awaitsAcks,
  canMove,
  describeSession,
  detach,
  type EioSocket,
  isFlushed,
  owesAcks,
  part,
  type SioSocket,
} from "./session-internals";

/** How long a session may take until it owes and awaits no acknowledgement. */
const ACK_TIMEOUT_MS = 5000;
const FLUSH_TIMEOUT_MS = 1000;
const LOOK_AGAIN_MS = 5;

/**
 * Giving a live session to another worker:
 *
 *     awaiting (answers of the client) ──▶ paused (nothing is read) ──▶ owing (answers of the app)
 *        ▲                                                                │ it asked the client again
 *        └────────────────────────────────────────────────────────────────┘
 *     owing ──▶ parted (its sockets are closed here) ──flushed──▶ moved: the caller sends its socket
 *     any ──timeout, closed, not movable──▶ undefined: the caller closes it, and its client recovers by reconnecting
 */
export async function giveUpSession(
  conn: EioSocket,
  sockets: readonly SioSocket[],
  link: WorkerLink,
  router: Router,
): Promise<{ sid: string; socket: Socket | undefined } | undefined> {
  if (!canMove(conn, sockets)) return undefined;
  const deadline = Date.now() + ACK_TIMEOUT_MS;
  if (!(await comeToRest(conn, sockets, deadline))) return undefined;

  const session = describeSession(conn, sockets, link.lastOrder);
  router.leave(conn.id);
  part(sockets);
  const flushedBy = Date.now() + FLUSH_TIMEOUT_MS;
  while (!isFlushed(conn)) {
    if (Date.now() > flushedBy || conn.readyState !== "open") return undefined;
    await delay(1);
  }
  if (conn.readyState !== "open") return undefined;
  const socket = detach(conn);
  link.send({ type: "move", session });
  return { sid: session.sid, socket };
}

/** Returns with reading stopped, at the boundary of a message, and with no acknowledgement open either way. */
async function comeToRest(
  conn: EioSocket,
  sockets: readonly SioSocket[],
  deadline: number,
): Promise<boolean> {
  const tcp = () => conn.transport.socket?._socket;
  while (Date.now() < deadline && conn.readyState === "open") {
    const resting = !conn.upgrading && !awaitsAcks(sockets) && atMessageBoundary(conn);
    if (resting) {
      const paused = tcp();
      if (paused) stopReading(paused);
      while (owesAcks(sockets) && !awaitsAcks(sockets) && Date.now() < deadline) await delay(1);
      const atRest = !owesAcks(sockets) && !awaitsAcks(sockets) && atMessageBoundary(conn) && !conn.upgrading;
      if (atRest) return conn.readyState === "open";
      if (paused) resumeReading(paused);
    }
    await delay(LOOK_AGAIN_MS);
  }
  return false;
}
