// SPDX-License-Identifier: MIT
import { Server as HttpServer } from "node:http";
import { Server as NetServer } from "node:net";
import { createClock } from "../../clock";
import { createAdapter } from "../adapter/adapter";
import { isInMemoryAdapter } from "../socket-io/in-memory";
import type { SocketIoServer } from "../socket-io/objects";
import { listenAddress, listenedWith } from "./listen-arguments";
import type { ServedServer } from "./served-server";
import { servedWorker } from "./served-worker";

/**
 * Watches where HTTP servers listen. In an app with `sticky` every HTTP server is served by the primary, as soon as it
 * listens. In any other app only those are that are given to `setupWorker`, which may be called in the same turn of the
 * event loop as `listen`, or later; so `listen` waits for the end of the turn, which nobody notices, because listening is
 * asynchronous in a cluster worker anyway.
 */
let mode: "off" | "watch" | "claim" = "off";
const clock = createClock();
/** Servers that wait for the end of the turn. */
const deferred = new WeakSet<HttpServer>();

/** Watches from now on; to `claim` is more than to `watch`. */
export function watchListen(wanted: "watch" | "claim"): void {
  if (mode === "off") replaceListen();
  if (mode !== "claim") mode = wanted;
}

function replaceListen(): void {
  const { listen } = NetServer.prototype;
  NetServer.prototype.listen = function (this: NetServer, ...args: unknown[]) {
    // A server that is served has a `listen` of its own, which comes here only for what the primary cannot open.
    if (!(this instanceof HttpServer) || !listenAddress(args) || Object.hasOwn(this, "listen")) {
      if (this instanceof HttpServer && isExclusive(args)) sayExclusive();
      return listen.apply(this, args as never);
    }
    if (mode === "claim") {
      servedWorker("listen").serverOf(this).listenAs(args);
      return this;
    }
    // It listens twice, of which Node has something to say.
    if (deferred.delete(this)) listen.apply(this, listenedWith.get(this) as never);
    if (this.listening) return listen.apply(this, args as never);
    listenedWith.set(this, args);
    deferred.add(this);
    clock.nextTurn(() => {
      if (deferred.delete(this)) listen.apply(this, args as never);
    });
    return this;
  } as typeof listen;
}

function isExclusive([first]: readonly unknown[]): boolean {
  return typeof first === "object" && first !== null && (first as { exclusive?: unknown }).exclusive === true;
}

let isExclusiveSaid = false;

function sayExclusive(): void {
  // The private address of a served server is one as well.
  if (mode !== "claim" || isExclusiveSaid) return;
  isExclusiveSaid = true;
  console.error("listen({ exclusive: true }): this worker listens by itself; its connections are not sticky");
}

/** A server was given to us; it may listen already, or be about to. */
export function takeOverIfListening(server: ServedServer): void {
  const { httpServer } = server;
  const args = listenedWith.get(httpServer);
  if (deferred.delete(httpServer) && args) server.listenAs(args);
  else if (httpServer.listening && !server.isListening) server.takeOver(true);
}

/** Called when Socket.IO was attached to an HTTP server of an app with `sticky`. */
export function onAttach(io: SocketIoServer): void {
  const server = servedWorker("attach").attach(io);
  if (isInMemoryAdapter(io.adapter())) io.adapter(createAdapter());
  takeOverIfListening(server);
}
