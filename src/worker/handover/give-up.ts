// SPDX-License-Identifier: MIT

import type { Socket } from "node:net";
import { resumeReading, stopReading } from "../../node-internals";
import { FLUSH_TIMEOUT_MS } from "../../protocol/timing";
import type { Whereabouts } from "../http/whereabouts";
import type { WorkerLink } from "../link/link";
import { awaitsAcks, owesAcks } from "../socket-io/acks";
import { isConnecting } from "../socket-io/connecting";
import type { EngineSocket } from "../socket-io/objects";
import {
  atMessageBoundary,
  canMove,
  describeSession,
  detach,
  isFlushed,
  ownConnection,
  part,
  socketsOf,
} from "../socket-io/take-apart";
import type { MoveTurns } from "./move-turns";

const LOOK_AGAIN_MS = 5;

/**
 * A session that this worker has given up: for the app its sockets are closed, and its state is described to
 * the primary.
 */
export interface Departed {
  sid: string;
  /** The connection of a WebSocket session; a long-polling session has none of its own. */
  socket: Socket | undefined;
  /** Resolves when another worker has the session, or when it is lost. */
  settled: Promise<unknown>;
}

/**
 * Gives a live session to another worker. The session first has to come to rest: an acknowledgement that is
 * open is known to this process alone, and half a message cannot be moved either.
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
 * A session keeps its turn until another worker has it, so that only a few clients at a time are without a
 * server.
 *
 * @param ackTimeoutMs how long it may take until no acknowledgement is open in either direction
 * @param connectBy until when the session must have its first Socket.IO socket, on the monotonic clock
 * @returns "stays" if the session cannot be moved and is as it was; "parted" if its sockets are closed for
 *   the app already, but its client does not read what was written, so that it can neither move nor stay
 */
export async function giveUpSession(
  conn: EngineSocket,
  link: WorkerLink,
  whereabouts: Whereabouts,
  turns: MoveTurns,
  ackTimeoutMs: number,
  connectBy: number,
): Promise<Departed | "stays" | "parted"> {
  const connecting = () => socketsOf(conn).length === 0 || whereabouts.isArriving(conn.id);
  const recovers = link.scopes.mayRecover(conn.server);
  while (connecting() && recovers && conn.readyState === "open" && link.clock.now() < connectBy) {
    await link.clock.wait(LOOK_AGAIN_MS);
  }
  if (connecting() || !canMove(conn, socketsOf(conn))) return "stays";
  if (!(await comeToRest(conn, link, turns, ackTimeoutMs))) return "stays";
  try {
    const departed = await depart(conn, link, whereabouts);
    if (departed === "parted" || departed === "stays") turns.release();
    else void departed.settled.then(() => turns.release());
    return departed;
  } catch (error) {
    turns.release();
    throw error;
  }
}

async function depart(
  conn: EngineSocket,
  link: WorkerLink,
  whereabouts: Whereabouts,
): Promise<Departed | "stays" | "parted"> {
  const sockets = socketsOf(conn);
  const scope = link.scopes.numberOf(sockets[0]!.nsp.server);
  if (scope === undefined) {
    const own = ownConnection(conn);
    if (own) resumeReading(own);
    return "stays";
  }
  const listener = whereabouts.listenerOf(conn);
  const session = { ...describeSession(conn, sockets, scope, link.lastOrder), listener };
  // From here on, requests of the session wait until it is known where it goes. Its sockets are closed next,
  // so nothing more is written to it. Then what was written has to leave, and only after that its connection
  // may go.
  const settled = whereabouts.leave(conn.id);
  try {
    part(sockets);
  } catch (error) {
    // A listener of the app has thrown; requests of the session must not wait for ever.
    whereabouts.settle(conn.id);
    throw error;
  }
  if (!(await flushed(conn, link))) {
    whereabouts.settle(conn.id);
    return "parted";
  }
  const socket = detach(conn);
  link.send({ type: "move", session });
  return { sid: session.sid, socket, settled };
}

async function flushed(conn: EngineSocket, link: WorkerLink): Promise<boolean> {
  const deadline = link.clock.now() + FLUSH_TIMEOUT_MS;
  while (!isFlushed(conn)) {
    if (link.clock.now() > deadline || conn.readyState !== "open") return false;
    await link.clock.wait(1);
  }
  return conn.readyState === "open";
}

/**
 * Waits until it is the session's turn and nothing is open: no acknowledgement in either direction, and no
 * message of which only a part was read. Returns true in that state, with reading stopped; false if it does
 * not come to that in time.
 */
async function comeToRest(
  conn: EngineSocket,
  link: WorkerLink,
  turns: MoveTurns,
  ackTimeoutMs: number,
): Promise<boolean> {
  const awaits = () => isConnecting(conn) || awaitsAcks(socketsOf(conn));
  const owes = () => {
    const sockets = socketsOf(conn);
    return owesAcks(sockets) || sockets.some(({ client }) => link.outbox.holds(client));
  };
  const undisturbed = () => !awaits() && atMessageBoundary(conn);
  const isOpen = () => conn.readyState === "open" && socketsOf(conn).length > 0;

  let deadline = link.clock.now() + ackTimeoutMs;
  for (let hadTurn = false; link.clock.now() < deadline && isOpen(); await link.clock.wait(LOOK_AGAIN_MS)) {
    if (!undisturbed()) continue;
    const tcp = ownConnection(conn);
    // While the app owes an answer, nothing more is read of a WebSocket. Otherwise its client could go on
    // asking, and the session might never come to rest.
    const pauses = owes();
    if (pauses && tcp) stopReading(tcp);
    while (owes() && !awaits() && link.clock.now() < deadline) await link.clock.wait(1);
    if (!owes() && undisturbed()) {
      // The wait for its turn does not count. Unless it is paused it is served as ever meanwhile, so it is
      // looked at again.
      const queuedAt = link.clock.now();
      await turns.take(pauses || hadTurn);
      hadTurn = true;
      deadline += link.clock.now() - queuedAt;
      // While it waited for its turn it may have been upgraded to a WebSocket, with a compressed stream that
      // cannot be moved.
      if (!owes() && undisturbed() && isOpen() && canMove(conn, socketsOf(conn))) {
        const own = ownConnection(conn);
        if (own) stopReading(own);
        return true;
      }
      turns.release();
    }
    if (pauses && tcp) resumeReading(tcp);
  }
  return false;
}
