// SPDX-License-Identifier: MIT
import type { Server as HttpServer } from "node:http";
import { StickyError } from "../../errors";
import { link } from "../link/link";
import type { SocketIoServer } from "../socket-io/objects";
import { checkServable } from "./servable";
import { StickyServer } from "./sticky-server";

/** One per process, also if several copies of this package are loaded: an app has one public address. */
const STICKY_SERVER = Symbol.for("pm2-socket.io/sticky-server");

/** The sticky server of this worker for `httpServer`. Throws if it has one for another HTTP server. */
export function stickyServer(httpServer: HttpServer, caller: string): StickyServer {
  const linkToPrimary = link();
  if (!linkToPrimary) throw new StickyError("STICKY_NOT_WORKER", caller);
  const holder = process as unknown as Record<symbol, StickyServer | undefined>;
  const existing = holder[STICKY_SERVER];
  if (existing && existing.httpServer !== httpServer) throw new StickyError("STICKY_SECOND_SERVER");
  const server = existing ?? new StickyServer(httpServer, linkToPrimary);
  holder[STICKY_SERVER] = server;
  return server;
}

/** Whether this worker serves another HTTP server than `httpServer` already. */
export function servesAnother(httpServer: HttpServer): boolean {
  const existing = (process as unknown as Record<symbol, StickyServer | undefined>)[STICKY_SERVER];
  return existing !== undefined && existing.httpServer !== httpServer;
}

/**
 * Makes a worker's Socket.IO server take its connections from the primary. The worker need not call `listen`.
 *
 * @param io a Socket.IO server that is attached to an HTTP server
 * @throws StickyError `STICKY_NOT_WORKER` outside a cluster worker, `STICKY_TLS` for an HTTPS server,
 *   `STICKY_UNATTACHED` or `STICKY_UNSERVED` if `io` is attached to no HTTP server of Node, `STICKY_SECOND_SERVER` if
 *   another HTTP server of this process is served already
 */
export function setupWorker(io: SocketIoServer): void {
  checkServable(io);
  const server = stickyServer(io.httpServer, "setupWorker");
  server.add(io);
  server.listen();
}
