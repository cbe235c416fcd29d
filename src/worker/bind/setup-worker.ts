// SPDX-License-Identifier: MIT
import type { SocketIoServer } from "../socket-io/objects";
import { takeOverIfListening } from "./claim-listen";
import { checkServable } from "./servable";
import { servedWorker } from "./served-worker";

/**
 * Makes a worker's Socket.IO server take its connections from the primary. The worker may call `listen`
 * before or after this. If it does not call it at all, the server gets the app's default address.
 *
 * @param io a Socket.IO server that is attached to an HTTP server
 * @throws StickyError `STICKY_NOT_WORKER` outside a cluster worker; `STICKY_TLS` for an HTTPS server;
 *   `STICKY_UNATTACHED` or `STICKY_UNSERVED` if `io` is attached to nothing, or to something else than an
 *   HTTP server of Node; `STICKY_SECOND_SERVER` if another HTTP server of this process was set up before and
 *   this one does not listen
 */
export function setupWorker(io: SocketIoServer): void {
  checkServable(io);
  const worker = servedWorker("setupWorker");
  worker.setUp(io);
  takeOverIfListening(worker.serverOf(io.httpServer));
}
