// SPDX-License-Identifier: MIT
import { Server as HttpServer } from "node:http";
import { Server as NetServer } from "node:net";
import { createAdapter } from "./adapter";
import type { SocketIoServer } from "./engine";
import { listenAddress } from "./listen-arguments";
import { servesAnother, stickyServer } from "./setup-worker";

/**
 * Lets an app that was written as a single process run as a sticky cluster: when it attaches Socket.IO to an HTTP server,
 * that server is served by the primary, on the address the app passes to `listen`.
 *
 * An app may call `listen` before or after it attaches Socket.IO. Listening is asynchronous in a cluster worker anyway,
 * so a server without Socket.IO waits for the end of the turn of the event loop; then it listens as usual, and moves if
 * Socket.IO is attached later.
 */
const attached = new WeakSet<HttpServer>();

export function claimListen(): void {
  const listen = NetServer.prototype.listen;
  NetServer.prototype.listen = function (this: NetServer, ...args: unknown[]) {
    if (!(this instanceof HttpServer) || attached.has(this) || !listenAddress(args)) {
      return listen.apply(this, args as never);
    }
    setImmediate(() => {
      // `listen` of the server itself by now, if Socket.IO was attached meanwhile.
      if (attached.has(this)) this.listen(...(args as []));
      else listen.apply(this, args as never);
    });
    return this;
  } as typeof listen;
}

/** Called when Socket.IO was attached to an HTTP server. */
export function onAttach(io: SocketIoServer): void {
  const { httpServer } = io;
  // An app has one public address; a second server with Socket.IO stays an ordinary one.
  if (servesAnother(httpServer)) return;
  const server = stickyServer(httpServer, "attach");
  attached.add(httpServer);
  server.add(io);
  if (hasDefaultAdapter(io)) io.adapter(createAdapter());
  if (httpServer.listening) server.listen();
}

function hasDefaultAdapter(io: SocketIoServer): boolean {
  const name = (io.adapter() as { name?: string } | undefined)?.name;
  return name === "Adapter" || name === "SessionAwareAdapter";
}
