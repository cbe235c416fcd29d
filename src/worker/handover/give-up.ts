// SPDX-License-Identifier: MIT

import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { resumeReading, stopReading } from "../../node-internals";
import type { Whereabouts } from "../http/whereabouts";
import type { WorkerLink } from "../link/link";
import { isConnecting } from "../socket-io/connecting-internals";
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
  socketsOf,
} from "../socket-io/session-internals";
import type { Turns } from "./move-turns";

const FLUSH_TIMEOUT_MS = 1000;
const LOOK_AGAIN_MS = 5;

/** A session that has no sockets here any more. */
export interface Departed {
  sid: string;
  /** Its connection, if it has one of its own. */
  socket: Socket | undefined;
  /** Another worker has it, or it is lost. */
  settled: Promise<unknown>;
}

/**
 * Giving a live session to another worker; `ackTimeoutMs` is how long it may take until it owes and awaits no
 * acknowledgement, `connectBy` when it must have a socket:
 *
 *     connecting (its first socket) ──▶ awaiting
 *     awaiting (answers of the client) ──owes some──▶ paused (nothing is read) ──▶ owing (answers of the app)
 *        │  ▲                                                                        │ none open any more
 *        │  └──has asked, or was asked, meanwhile──┐                                 ▼
 *        └──none open──────────────────────────────┴── queueing (served as ever, unless it is paused)
 *     queueing ──its turn──▶ parted (its sockets are closed here) ──flushed──▶ departed: the caller sends its socket
 *     parted ──its client does not read──▶ "parted": it cannot stay either
 *     any other ──timeout, closed, not movable──▶ "stays"
 *
 * Its turn lasts until another worker has it: only so many clients at a time are without a server.
 */
export async function giveUpSession(
  conn: EioSocket,
  link: WorkerLink,
  whereabouts: Whereabouts,
  turns: Turns,
  ackTimeoutMs: number,
  connectBy: number,
): Promise<Departed | "stays" | "parted"> {
  const connecting = () => socketsOf(conn).length === 0 || whereabouts.isArriving(conn.id);
  while (connecting() && link.recovers && conn.readyState === "open" && Date.now() < connectBy) {
    await delay(LOOK_AGAIN_MS);
  }
  if (connecting() || !canMove(conn, socketsOf(conn))) return "stays";
  if (!(await comeToRest(conn, link, turns, ackTimeoutMs))) return "stays";
  try {
    const departed = await depart(conn, link, whereabouts);
    if (departed === "parted") turns.pass();
    else void departed.settled.then(() => turns.pass());
    return departed;
  } catch (error) {
    turns.pass();
    throw error;
  }
}

async function depart(
  conn: EioSocket,
  link: WorkerLink,
  whereabouts: Whereabouts,
): Promise<Departed | "parted"> {
  const sockets = socketsOf(conn);
  const session = describeSession(conn, sockets, link.lastOrder);
  const settled = whereabouts.leave(conn.id);
  part(sockets);
  if (!(await flushed(conn))) {
    whereabouts.stay(conn.id);
    return "parted";
  }
  const socket = detach(conn);
  link.send({ type: "move", session });
  return { sid: session.sid, socket, settled };
}

async function flushed(conn: EioSocket): Promise<boolean> {
  const deadline = Date.now() + FLUSH_TIMEOUT_MS;
  while (!isFlushed(conn)) {
    if (Date.now() > deadline || conn.readyState !== "open") return false;
    await delay(1);
  }
  return conn.readyState === "open";
}

/** Returns true when it is the session's turn, with reading stopped, at the boundary of a message, and no answer open. */
async function comeToRest(
  conn: EioSocket,
  link: WorkerLink,
  turns: Turns,
  ackTimeoutMs: number,
): Promise<boolean> {
  const awaits = () => isConnecting(conn) || awaitsAcks(socketsOf(conn));
  const owes = () => {
    const sockets = socketsOf(conn);
    return owesAcks(sockets) || sockets.some(({ client }) => link.outbox.holds(client));
  };
  const undisturbed = () => !conn.upgrading && !awaits() && atMessageBoundary(conn);
  const isOpen = () => conn.readyState === "open" && socketsOf(conn).length > 0;

  let deadline = Date.now() + ackTimeoutMs;
  for (let hadTurn = false; Date.now() < deadline && isOpen(); await delay(LOOK_AGAIN_MS)) {
    if (!undisturbed()) continue;
    const tcp = conn.transport.socket?._socket;
    const pauses = owes();
    if (pauses && tcp) stopReading(tcp);
    while (owes() && !awaits() && Date.now() < deadline) await delay(1);
    if (!owes() && undisturbed()) {
      const queuedAt = Date.now();
      await turns.take(pauses || hadTurn);
      hadTurn = true;
      deadline += Date.now() - queuedAt;
      // It may have been upgraded meanwhile, to a compressed stream.
      if (!owes() && undisturbed() && isOpen() && canMove(conn, socketsOf(conn))) {
        const { socket } = conn.transport;
        if (socket) stopReading(socket._socket);
        return true;
      }
      turns.pass();
    }
    if (pauses && tcp) resumeReading(tcp);
  }
  return false;
}
