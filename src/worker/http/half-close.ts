// SPDX-License-Identifier: MIT
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** The clients' connections that are kept open until their forwarded requests are answered. */
const held = new WeakMap<Socket, { endUpstreams: Set<() => void>; ended: boolean }>();

/**
 * Keeps a half-closed connection open until its forwarded request is answered. When a client ends its side,
 * Node's HTTP server ends the other side too, at once; whatever the app answered in time is written by then.
 * The answer to a forwarded request takes longer. So the client's end is passed on to the owner, whose Node
 * does the same there, and the connection here is ended only after the answer.
 */
export function passEndOn(socket: Socket, res: ServerResponse, endUpstream: () => void): void {
  const hold = held.get(socket) ?? holdOpen(socket);
  hold.endUpstreams.add(endUpstream);
  res.once("close", () => {
    hold.endUpstreams.delete(endUpstream);
    if (hold.endUpstreams.size > 0) return;
    held.delete(socket);
    Reflect.deleteProperty(socket, "end");
    if (hold.ended) socket.end();
  });
}

function holdOpen(socket: Socket) {
  const hold = { endUpstreams: new Set<() => void>(), ended: false };
  held.set(socket, hold);
  socket.end = () => {
    hold.ended = true;
    for (const endUpstream of hold.endUpstreams) endUpstream();
    return socket;
  };
  return hold;
}
