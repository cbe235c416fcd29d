// SPDX-License-Identifier: MIT
/**
 * `pm2-socket.io/sticky`: sticky sessions for plain Node cluster, with the names and signatures of `@socket.io/sticky`.
 */
import cluster from "node:cluster";
import type { Server as HttpServer } from "node:http";
import { type StickyPrimaryOptions, setupSticky } from "./primary/cluster-primary";
import { watchListen } from "./worker/bind/claim-listen";
import { setupWorker as setup } from "./worker/bind/setup-worker";
import type { SocketIoServer } from "./worker/socket-io/objects";

export type { StickyPrimaryOptions };

// This is watched from the beginning, because a worker may call `listen` before it calls `setupWorker`.
if (cluster.isWorker) watchListen("watch");

/**
 * Hands the connections of `httpServer` to the workers of this cluster, so that each request reaches the worker of its
 * session. To be called in the primary, before or after forking; it is the caller who makes `httpServer` listen.
 *
 * @throws StickyError `STICKY_NOT_PRIMARY` in a worker, `STICKY_TLS` for an HTTPS server, `STICKY_OPTION` for a
 *   `loadBalancingMethod` that is none
 */
export function setupPrimary(httpServer: HttpServer, options?: StickyPrimaryOptions): void {
  setupSticky(httpServer, options);
}

/** The former name of {@link setupPrimary}. */
export function setupMaster(httpServer: HttpServer, options?: StickyPrimaryOptions): void {
  setupSticky(httpServer, options);
}

/**
 * Makes the Socket.IO server of a worker take its connections from the primary. The worker need not call `listen`.
 *
 * @param io a Socket.IO server that is attached to an HTTP server of Node
 * @throws StickyError `STICKY_NOT_WORKER` outside a cluster worker, `STICKY_TLS` for an HTTPS server,
 *   `STICKY_UNATTACHED` or `STICKY_UNSERVED` if `io` is attached to no HTTP server of Node, `STICKY_SECOND_SERVER` if
 *   another HTTP server of this process is served already
 */
// biome-ignore lint/suspicious/noExplicitAny: a Socket.IO server with any event types, in any version
export function setupWorker(io: any): void {
  setup(io as SocketIoServer);
}
