// SPDX-License-Identifier: MIT
import cluster from "node:cluster";
import { Server as HttpServer } from "node:http";
import type { Server as NetServer, Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import { createClock } from "../clock";
import { appOptions, type BalancingMethod } from "../config";
import { StickyError } from "../errors";
import { consoleLog, shield } from "../log";
import { App } from "./app";
import { bindWorker } from "./bind-worker";
import { Addresses } from "./connections/addresses";
import type { OpenAddress } from "./connections/place";

/**
 * The primary of a plain Node cluster: all workers are one app, and the user's own server brings the connections. Works
 * whatever forks the workers (`cluster.fork`, recluster), before or after.
 */
let app: App | undefined;

/** Where workers have the pipe that was made for their link; see {@link StickyPrimaryOptions.linkFd}. */
let pipeFd: number | undefined;

function clusterApp(method?: BalancingMethod): App {
  const { listenOn: _, ...options } = appOptions({ sticky: { method } });
  if (!app) {
    app = new App("cluster", options, consoleLog, new Addresses(createClock()));
    for (const worker of Object.values(cluster.workers ?? {}))
      if (worker) bindWorker(app, worker, { pipeFd });
    cluster.on("fork", (worker) => bindWorker(app!, worker, { pipeFd }));
  } else if (method !== undefined) {
    // The adapter's `setupPrimary` may have been called first; it has no method.
    app.configure(options);
  }
  return app;
}

/** The user's own server as an address of the app: it is the user who opens and closes it. */
function asOpened(server: NetServer): OpenAddress {
  const known = () => (server.listening ? (server.address() ?? undefined) : undefined);
  return {
    get address() {
      const address = known();
      return typeof address === "object" ? { port: address.port } : { path: address };
    },
    get state() {
      return known() === undefined ? "closed" : "open";
    },
    get publicAddress() {
      return known();
    },
    refusal: undefined,
    open() {},
    close() {},
  };
}

/** Options of `setupPrimary` of `pm2-socket.io/sticky`. */
export interface StickyPrimaryOptions {
  /** How the worker of a new session is chosen. Default: "least-connection". */
  loadBalancingMethod?: BalancingMethod;
  /**
   * The file descriptor of a pipe that workers inherit for this package alone, as 4 with the cluster setting
   * `stdio: ["inherit", "inherit", "inherit", "ipc", "pipe"]`. Packets of the adapter travel faster on it than over the IPC
   * channel, which is used by default. All workers must have it.
   */
  linkFd?: number;
}

/**
 * Hands the connections of `httpServer` to the workers of this cluster.
 *
 * @throws StickyError `STICKY_NOT_PRIMARY` in a worker, `STICKY_TLS` for an HTTPS server
 */
export function setupSticky(httpServer: NetServer, options: StickyPrimaryOptions = {}): void {
  if (!cluster.isPrimary) throw new StickyError("STICKY_NOT_PRIMARY", "setupPrimary");
  if (httpServer instanceof TlsServer) throw new StickyError("STICKY_TLS");
  pipeFd = options.linkFd;
  const to = clusterApp(options.loadBalancingMethod);
  // The HTTP server itself must not read from the connections.
  if (httpServer instanceof HttpServer) httpServer.removeAllListeners("connection");
  const place = to.addresses.addExternal(asOpened(httpServer));
  httpServer.on(
    "listening",
    shield(to.log, () => to.addresses.externalOpened()),
  );
  httpServer.on(
    "connection",
    shield(to.log, (socket: Socket) => to.accept(socket, place)),
  );
}

/**
 * Relays the packets of the adapters of this cluster's workers.
 *
 * @throws StickyError `STICKY_NOT_PRIMARY` in a worker
 */
export function setupRelay(): void {
  if (!cluster.isPrimary) throw new StickyError("STICKY_NOT_PRIMARY", "setupPrimary");
  clusterApp();
}
