// SPDX-License-Identifier: MIT
import cluster from "node:cluster";
import { Server as HttpServer } from "node:http";
import type { Server as NetServer, Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import { appOptions, type BalancingMethod } from "../config";
import { StickyError } from "../errors";
import { consoleLog, shield } from "../log";
import { App } from "./app";
import { bindWorker } from "./bind-worker";

/**
 * The primary of a plain Node cluster: all workers are one app, and the user's own server brings the connections. Works
 * whatever forks the workers (`cluster.fork`, recluster), before or after.
 */
let app: App | undefined;

function clusterApp(method: BalancingMethod | undefined): App {
  if (!app) {
    const { listenOn: _, ...options } = appOptions({ sticky: { method } });
    app = new App("cluster", options, consoleLog);
    for (const worker of Object.values(cluster.workers ?? {})) if (worker) bindWorker(app, worker);
    cluster.on("fork", (worker) => bindWorker(app!, worker));
  }
  return app;
}

/** Options of `setupPrimary` of `pm2-socket.io/sticky`. */
export interface StickyPrimaryOptions {
  /** How the worker of a new session is chosen. Default: "least-connection". */
  loadBalancingMethod?: BalancingMethod;
}

/**
 * Hands the connections of `httpServer` to the workers of this cluster.
 *
 * @throws StickyError `STICKY_NOT_PRIMARY` in a worker, `STICKY_TLS` for an HTTPS server
 */
export function setupSticky(httpServer: NetServer, options: StickyPrimaryOptions = {}): void {
  if (!cluster.isPrimary) throw new StickyError("STICKY_NOT_PRIMARY", "setupPrimary");
  if (httpServer instanceof TlsServer) throw new StickyError("STICKY_TLS");
  const to = clusterApp(options.loadBalancingMethod);
  // The HTTP server itself must not read from the connections.
  if (httpServer instanceof HttpServer) httpServer.removeAllListeners("connection");
  httpServer.on(
    "connection",
    shield(to.log, (socket: Socket) => to.accept(socket)),
  );
}

/**
 * Relays the packets of the adapters of this cluster's workers.
 *
 * @throws StickyError `STICKY_NOT_PRIMARY` in a worker
 */
export function setupRelay(): void {
  if (!cluster.isPrimary) throw new StickyError("STICKY_NOT_PRIMARY", "setupPrimary");
  clusterApp(undefined);
}
