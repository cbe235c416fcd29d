// SPDX-License-Identifier: MIT
import { Server as HttpServer } from "node:http";
import { Server as NetServer } from "node:net";
import { createClock } from "../../clock";
import type { ListenAddress } from "../../protocol/messages";
import { QUESTION_TIMEOUT_MS } from "../../protocol/timing";
import { createAdapter } from "../adapter/adapter";
import { link } from "../link/link";
import { isInMemoryAdapter } from "../socket-io/in-memory";
import type { SocketIoServer } from "../socket-io/objects";
import { listenAddress, listenCallback } from "./listen-arguments";
import { servesAnother, stickyServer } from "./setup-worker";

/**
 * Lets an app that was written as a single process run as a sticky cluster: when it attaches Socket.IO to an HTTP server,
 * that server is served by the primary, on the address the app passes to `listen`.
 *
 * An app may call `listen` before or after it attaches Socket.IO. Listening is asynchronous in a cluster worker anyway,
 * so a server without Socket.IO waits for the end of the turn of the event loop; then it listens as usual, and moves if
 * Socket.IO is attached later.
 */
const clock = createClock();
const attached = new WeakSet<HttpServer>();
/** Where servers without Socket.IO, so far, have listened. */
const asked = new WeakMap<HttpServer, ListenAddress>();

export function claimListen(): void {
  const listen = NetServer.prototype.listen;
  NetServer.prototype.listen = function (this: NetServer, ...args: unknown[]) {
    const wants = this instanceof HttpServer && !attached.has(this) ? listenAddress(args) : undefined;
    if (!wants || !(this instanceof HttpServer)) {
      return listen.apply(this, args as never);
    }
    clock.nextTurn(async () => {
      const taken = !attached.has(this) && (await isPublic(wants));
      if (attached.has(this)) {
        this.listen(...(args as [])); // the sticky server's by now
      } else if (taken) {
        // Other workers of the app are served there: this one will attach Socket.IO, too.
        const callback = listenCallback(args);
        if (callback) this.once("listening", callback);
        stickyServer(this, "listen").awaitAttach(wants);
      } else {
        asked.set(this, wants);
        listen.apply(this, args as never);
      }
    });
    return this;
  } as typeof listen;
}

/** Whether the primary has opened this address for the app already, so that a worker cannot. */
function isPublic(address: ListenAddress): Promise<boolean> {
  const toPrimary = link();
  if (!toPrimary) return Promise.resolve(false);
  return toPrimary.ask({ type: "is-public", address }, QUESTION_TIMEOUT_MS, (answer) => answer?.yes === true);
}

/** Called when Socket.IO was attached to an HTTP server. */
export function onAttach(io: SocketIoServer): void {
  const { httpServer } = io;
  // An app has one public address; a second server with Socket.IO stays an ordinary one.
  if (servesAnother(httpServer)) return;
  const server = stickyServer(httpServer, "attach");
  attached.add(httpServer);
  server.add(io);
  if (isInMemoryAdapter(io.adapter())) io.adapter(createAdapter());
  if (httpServer.listening) server.attachLate(asked.get(httpServer));
}
