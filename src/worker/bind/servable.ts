// SPDX-License-Identifier: MIT
import { Server as HttpServer } from "node:http";
import { Server as TlsServer } from "node:tls";
import { StickyError } from "../../errors";
import type { SocketIoServer } from "../socket-io/objects";

/**
 * What a Socket.IO server is attached to, if that cannot be served; `undefined` if it can. An HTTPS server
 * passes here, because it is refused elsewhere with a code of its own (`STICKY_TLS`).
 */
export function unserved(io: SocketIoServer): string | undefined {
  const server = io.httpServer as object | undefined;
  if (!server) return "no HTTP server of Node (uWebSockets.js, or an engine of its own)";
  if (server instanceof HttpServer || server instanceof TlsServer) return undefined;
  return server.constructor.name === "Http2Server" ? "an HTTP/2 server" : `a ${server.constructor.name}`;
}

/**
 * Checks what was given to `setupWorker`.
 *
 * @throws StickyError `STICKY_UNATTACHED` if it is attached to nothing, `STICKY_UNSERVED` if it is attached
 *   to something that cannot be served
 */
export function checkServable(io: SocketIoServer | undefined): void {
  if (!io?.httpServer) throw new StickyError("STICKY_UNATTACHED");
  const instead = unserved(io);
  if (instead !== undefined) throw new StickyError("STICKY_UNSERVED", instead);
}
