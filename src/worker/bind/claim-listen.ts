// SPDX-License-Identifier: MIT
import { Server as HttpServer } from "node:http";
import { Server as NetServer } from "node:net";
import { createClock } from "../../clock";
import { createAdapter } from "../adapter/adapter";
import { isInMemoryAdapter } from "../socket-io/in-memory";
import type { SocketIoServer } from "../socket-io/objects";
import { isInUse, listenAddress, listenedWith } from "./listen-arguments";
import type { ServedServer } from "./served-server";
import { servedWorker } from "./served-worker";

/**
 * Watches where HTTP servers listen, by replacing `listen` for all of them. There are two modes.
 *
 * "claim", in an app with `sticky`: every HTTP server is served by the primary, as soon as it listens.
 *
 * "watch", in any other app: only servers that are given to `setupWorker` are served. It may be called in the
 * same turn of the event loop as `listen`, before or after it. So `listen` is put off to the end of the turn,
 * when it is clear what to do. Nobody notices, because listening is asynchronous in a cluster worker anyway.
 */
let mode: "off" | "watch" | "claim" = "off";
const clock = createClock();
/** Servers whose `listen` is put off to the end of the turn. */
const deferred = new WeakSet<HttpServer>();
/**
 * For how long the app is not told that an address is in use. That may be because the primary has it for this very
 * app, and the server is given to `setupWorker` in a moment: so it is in all but the first workers of an app that
 * calls `listen`, awaits something, and then calls `setupWorker`.
 */
const SET_UP_MS = 10_000;
/** Servers whose address is in use, and the timer that tells the app so. */
const refused = new WeakMap<HttpServer, NodeJS.Timeout>();

/** Begins to watch. Once the mode is "claim" it stays so. */
export function watchListen(wanted: "watch" | "claim"): void {
  if (mode === "off") replaceListen();
  if (mode !== "claim") mode = wanted;
}

function replaceListen(): void {
  const { listen } = NetServer.prototype;
  NetServer.prototype.listen = function (this: NetServer, ...args: unknown[]) {
    // A served server calls this only with arguments that the primary cannot open, such as a file descriptor.
    if (!(this instanceof HttpServer) || !listenAddress(args) || isServed(this)) {
      if (this instanceof HttpServer && isExclusive(args)) sayExclusive();
      return listen.apply(this, args as never);
    }
    if (mode === "claim") {
      servedWorker("listen").serverOf(this).listenAs(args);
      return this;
    }
    // It listens twice. Node is to say what it says of that, so both calls go on to Node.
    if (deferred.delete(this)) listen.apply(this, listenedWith.get(this) as never);
    if (this.listening) return listen.apply(this, args as never);
    listenedWith.set(this, args);
    deferred.add(this);
    clock.nextTurn(() => {
      if (!deferred.delete(this)) return;
      holdRefusal(this);
      listen.apply(this, args as never);
    });
    return this;
  } as typeof listen;
}

/**
 * Keeps the error that the server's address is in use from the app, for {@link SET_UP_MS}. To be called when the
 * server is about to listen by way of Node's cluster module.
 */
function holdRefusal(server: HttpServer): void {
  const emit = server.emit as (event: string, ...values: unknown[]) => boolean;
  let isUnderWay = true;
  const watching = (event: string, ...values: unknown[]): boolean => {
    const isOutcome = isUnderWay && (event === "listening" || event === "error");
    if (!isOutcome) return emit.call(server, event, ...values);
    isUnderWay = false;
    if (server.emit === watching) server.emit = emit;
    const [error] = values;
    if (event !== "error" || !isInUse(error)) return emit.call(server, event, ...values);
    if (isServed(server)) {
      servedWorker("listen").serverOf(server).takeRefused();
      return true;
    }
    const tell = () => {
      // If nobody listens for errors, this one is to be thrown, and not to end in the log of our shielded timer.
      if (refused.delete(server)) process.nextTick(() => emit.call(server, "error", error));
    };
    refused.set(server, clock.after(SET_UP_MS, tell));
    // An app that has closed the server has no use for the error.
    server.once("close", () => {
      clearTimeout(refused.get(server));
      refused.delete(server);
    });
    const { message } = error as Error;
    console.error(
      `[pm2-socket.io] ${message}; waits ${SET_UP_MS / 1000} s for setupWorker, and then gives up`,
    );
    return true;
  };
  server.emit = watching;
}

/** A served server has a `listen` of its own. */
function isServed(server: HttpServer): boolean {
  return Object.hasOwn(server, "listen");
}

function isExclusive([first]: readonly unknown[]): boolean {
  return typeof first === "object" && first !== null && (first as { exclusive?: unknown }).exclusive === true;
}

let isExclusiveSaid = false;

function sayExclusive(): void {
  // In an app without `sticky` nothing else is to be expected of an exclusive server, so nothing is said.
  if (mode !== "claim" || isExclusiveSaid) return;
  isExclusiveSaid = true;
  console.error(
    "[pm2-socket.io] listen({ exclusive: true }): this worker listens by itself; its connections are not sticky",
  );
}

/** A server is to be served from now on. It may listen already, be about to, or have found its address in use. */
export function takeOverIfListening(server: ServedServer): void {
  const { httpServer } = server;
  const args = listenedWith.get(httpServer);
  if (deferred.delete(httpServer) && args) server.listenAs(args);
  else if (refused.has(httpServer)) {
    clearTimeout(refused.get(httpServer));
    refused.delete(httpServer);
    server.takeRefused();
  } else if (httpServer.listening && !server.isListening) server.takeOver(true);
}

/**
 * Called when Socket.IO was attached to an HTTP server of an app with `sticky`. Our adapter takes the place
 * of Socket.IO's in-memory one; an adapter that the app has chosen itself stays.
 */
export function onAttach(io: SocketIoServer): void {
  const server = servedWorker("attach").attach(io);
  if (isInMemoryAdapter(io.adapter())) io.adapter(createAdapter());
  takeOverIfListening(server);
}
