// SPDX-License-Identifier: MIT
import type { SioSocket } from "./objects";

/** How many acknowledgements the app owes the client of each socket. Socket.IO itself does not count them. */
const owed = new WeakMap<SioSocket, number>();

/** From now on counts the acknowledgements that the app owes the client of this socket. */
export function countAcks(socket: SioSocket): void {
  if (typeof socket.ack !== "function" || owed.has(socket)) return;
  owed.set(socket, 0);
  const { ack } = socket;
  socket.ack = function (id) {
    const answer = ack.call(this, id);
    let open = true;
    owed.set(socket, (owed.get(socket) ?? 0) + 1);
    return (...args) => {
      if (open) owed.set(socket, (owed.get(socket) ?? 1) - 1);
      open = false;
      answer(...args);
    };
  };
}

/** Whether the app has yet to acknowledge a packet that came in through one of these sockets. */
export function owesAcks(sockets: readonly SioSocket[]): boolean {
  return sockets.some((socket) => (owed.get(socket) ?? 0) > 0);
}

/** Whether the client has yet to acknowledge a packet of the app. */
export function awaitsAcks(sockets: readonly SioSocket[]): boolean {
  return sockets.some((socket) => socket.acks.size > 0);
}
