// SPDX-License-Identifier: MIT
import { Server as HttpServer } from "node:http";
import { Server as TlsServer } from "node:tls";
import { StickyError } from "../../errors";
import type { SocketIoServer } from "../socket-io/objects";

/**
 * What a Socket.IO server is attached to, if that is nothing that can be served. An HTTPS server is refused elsewhere,
 * with a code of its own.
 */
export function unserved(io: SocketIoServer): string | undefined {
  const server = io.httpServer as object | undefined;
  if (!server) return "no HTTP server of Node (uWebSockets.js, or an engine of its own)";
  if (server instanceof HttpServer || server instanceof TlsServer) return undefined;
  return server.constructor.name === "Http2Server" ? "an HTTP/2 server" : `a ${server.constructor.name}`;
}

/** Throws `STICKY_UNATTACHED` or `STICKY_UNSERVED` for what `setupWorker` was given, if that cannot be served. */
export function checkServable(io: SocketIoServer | undefined): void {
  if (!io?.httpServer) throw new StickyError("STICKY_UNATTACHED");
  const instead = unserved(io);
  if (instead !== undefined) throw new StickyError("STICKY_UNSERVED", instead);
}
