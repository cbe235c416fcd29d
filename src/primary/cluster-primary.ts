// SPDX-License-Identifier: MIT
import cluster from "node:cluster";
import { Server as HttpServer } from "node:http";
import type { Server as NetServer, Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import { createClock } from "../clock";
import { appOptions, type BalancingMethod, checkStickyOptions } from "../config";
import { StickyError } from "../errors";
import { consoleLog, shield } from "../log";
import { App } from "./app";
import { bindWorker } from "./bind-worker";
import { Addresses } from "./connections/addresses";
import { describeAddress } from "./connections/listener";
import type { OpenAddress } from "./connections/place";

/**
 * The primary of a plain Node cluster, without PM2: all workers are one app, and the connections come from a server of
 * the user's own. It does not matter who forks the workers (`cluster.fork` or recluster), nor whether they are forked
 * before or after this is set up.
 */
let app: App | undefined;

/** The file descriptor at which workers have the pipe for their link; see {@link StickyPrimaryOptions.linkFd}. */
let pipeFd: number | undefined;

function clusterApp(method?: BalancingMethod): App {
  const { listenOn: _, ...options } = appOptions({ sticky: { method } });
  if (!app) {
    app = new App("cluster", options, consoleLog, new Addresses(createClock()));
    for (const worker of Object.values(cluster.workers ?? {}))
      if (worker) bindWorker(app, worker, { pipeFd });
    cluster.on("fork", (worker) => bindWorker(app!, worker, { pipeFd }));
  } else if (method !== undefined) {
    // The adapter's `setupPrimary`, which takes no method, may have made the app before.
    app.configure(options);
  }
  return app;
}

/** The user's own server in the form of an address of the app. It is the user who opens and closes it. */
function asOpened(server: NetServer): OpenAddress {
  const known = () => (server.listening ? (server.address() ?? undefined) : undefined);
  return {
    get address() {
      const address = known();
      return typeof address === "object" ? { port: address.port } : { path: address };
    },
    get name() {
      const address = known();
      return typeof address === "object" ? describeAddress({ port: address.port }) : (address ?? "closed");
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
   * The file descriptor of a pipe that each worker inherits for this package alone. It is 4, for example, with the
   * cluster setting `stdio: ["inherit", "inherit", "inherit", "ipc", "pipe"]`. All workers must have the pipe. Packets
   * travel faster on it than over the IPC channel. Default: none, so that packets travel over the IPC channel.
   */
  linkFd?: number;
}

/**
 * Hands the connections of `httpServer` to the workers of this cluster; see `setupPrimary` in `sticky.ts`.
 *
 * @throws StickyError `STICKY_NOT_PRIMARY` in a worker, `STICKY_TLS` for an HTTPS server
 */
export function setupSticky(httpServer: NetServer, options: StickyPrimaryOptions = {}): void {
  if (!cluster.isPrimary) throw new StickyError("STICKY_NOT_PRIMARY", "setupPrimary");
  if (httpServer instanceof TlsServer) throw new StickyError("STICKY_TLS");
  const { loadBalancingMethod: method } = options;
  if (method !== undefined) {
    const [wrong] = checkStickyOptions({ method });
    if (wrong) throw new StickyError("STICKY_OPTION", wrong.replace("sticky.method", "loadBalancingMethod"));
  }
  pipeFd = options.linkFd;
  const to = clusterApp(options.loadBalancingMethod);
  // Without this listener of Node's own, the HTTP server does not read from the connections.
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
 * Relays packets between the adapters of this cluster's workers.
 *
 * @throws StickyError `STICKY_NOT_PRIMARY` in a worker
 */
export function setupRelay(): void {
  if (!cluster.isPrimary) throw new StickyError("STICKY_NOT_PRIMARY", "setupPrimary");
  clusterApp();
}
