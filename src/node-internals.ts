// SPDX-License-Identifier: MIT
import type { Worker } from "node:cluster";
import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import Module from "node:module";
import type { Server as NetServer, Socket } from "node:net";

/**
 * The few things of Node that we use although they are not public. What is done here with `net` is what Node's own
 * cluster module does: it passes bare handles between processes and gives them to a server through `onconnection`.
 */

/** What is behind a socket or a listening server: libuv's handle of the operating system's socket. */
export interface Handle {
  readStart(): number;
  readStop(): number;
  close(callback?: () => void): void;
  reading?: boolean;
  onconnection?(status: number, client: Handle): void;
}

type WithHandle = { _handle: Handle | null };

/** The handle of a socket, or `undefined` once it is closed. */
export function handleOf(socket: Socket): Handle | undefined {
  return (socket as unknown as WithHandle)._handle ?? undefined;
}

/**
 * Stops reading from a socket in this very tick, so that no byte arrives here that its next owner should get.
 * `socket.pause()` alone is not enough: a paused stream still fills its buffer, and starts the handle for that, unless
 * `reading` says that it has been started already. So that is set although it is not true.
 */
export function stopReading(socket: Socket): void {
  socket.pause();
  const handle = handleOf(socket);
  if (!handle) return;
  handle.readStop();
  handle.reading = true;
}

/** Reads from the socket, whether reading was stopped before or not. */
export function resumeReading(socket: Socket): void {
  const handle = handleOf(socket);
  handle?.readStop();
  handle?.readStart();
  socket.resume();
}

/**
 * The answer that an HTTP server is writing on this connection, if there is one. It may be finished for the app, and
 * still wait in this process to be written.
 */
export function openAnswer(socket: Socket): ServerResponse | undefined {
  return (socket as unknown as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

export function hasOpenAnswer(socket: Socket): boolean {
  return openAnswer(socket) !== undefined;
}

/**
 * Runs `action` outside of any domain. PM2 runs its daemon in one, unless our `daemon.ts` starts it. Whatever is
 * created in a domain enters it at every event, and for a connection that costs more than handing it over
 * (benchmark row `handshakes`).
 */
export function outsideDomain(action: () => void): void {
  const { domain } = process as unknown as { domain?: { exit(): void; enter(): void } };
  domain?.exit();
  try {
    action();
  } finally {
    domain?.enter();
  }
}

/** Sends a message and a connection to a worker, as Node itself does when it deals connections out. */
export function sendHandle(
  worker: Worker,
  message: object,
  handle: Handle,
  callback: (error: Error | null) => void,
): void {
  worker.send(message as never, handle as never, callback);
}

/**
 * Calls `onLoad` with the name and the exports of every module that is loaded by `require`, and of every CommonJS module
 * that is imported: both end in `Module._load`, by package name or by file name.
 */
export function watchLoads(onLoad: (request: string, exports: unknown) => void): void {
  const module = Module as unknown as { _load(request: string, parent: unknown, isMain: boolean): unknown };
  const load = module._load;
  module._load = function (this: unknown, request, parent, isMain) {
    const exports = load.call(this, request, parent, isMain);
    onLoad(request, exports);
    return exports;
  };
}

/** A CommonJS module, as far as it is looked at. */
export interface CommonJsModule {
  exports: unknown;
}

/**
 * Calls `onModule` with the file name of every CommonJS module, and with the module itself, just before its code runs.
 * Nothing of what the module exports is there yet.
 *
 * This sees what {@link watchLoads} does not: where a loader hook returns the source of a CommonJS module that is
 * imported (jiti and others do), Node compiles it without `Module._load`. It still enters the module into the module
 * cache before it runs it, as all other ways of loading CommonJS do.
 */
export function watchModules(onModule: (filename: string, module: CommonJsModule) => void): void {
  const holder = Module as unknown as { _cache: Record<string, CommonJsModule> };
  holder._cache = new Proxy(holder._cache, {
    set(cache, filename, module) {
      if (typeof filename === "string" && typeof module === "object" && module !== null)
        onModule(filename, module);
      return Reflect.set(cache, filename, module);
    },
  });
}

/**
 * Calls `onKind` once for every class whose instances are event emitters, with the prototype of that class, when its
 * first instance is being constructed: the constructor has called `super()` and has done nothing else yet.
 *
 * A class is found this way wherever its code came from: a package, a bundle, or whatever a loader made of it. It costs
 * each emitter that is constructed one look into a `WeakSet`.
 */
export function watchEmitters(onKind: (prototype: object) => void): void {
  const holder = EventEmitter as unknown as { init(this: object, options: unknown): void };
  const { init } = holder;
  const known = new WeakSet<object>();
  holder.init = function (options) {
    const prototype = Object.getPrototypeOf(this);
    if (prototype !== null && !known.has(prototype)) {
      known.add(prototype);
      onKind(prototype);
    }
    init.call(this, options);
  };
}

/** Runs a file as Node runs the file it is started with: it is `require.main`, and `process.argv[1]` names it. */
export function runAsMain(file: string): void {
  process.argv[1] = file;
  (Module as unknown as { _load(file: string, parent: null, isMain: boolean): void })._load(file, null, true);
}

/**
 * Forgets which server a socket came from. Otherwise Node, when the socket is sent to another process, would count the
 * server's connections across both processes.
 */
export function forgetServer(socket: Socket): void {
  (socket as unknown as { server: unknown }).server = null;
}

/**
 * Gives a connection to a listening server as if the server had accepted it itself, so that its limits, counts and
 * options apply. Returns the socket, or `undefined` if the server did not take it (because of `maxConnections`).
 */
export function inject(server: NetServer, client: Handle): Socket | undefined {
  const listening = (server as unknown as WithHandle)._handle;
  if (!listening?.onconnection) return undefined;
  let accepted: Socket | undefined;
  const capture = (socket: Socket) => {
    accepted = socket;
  };
  server.prependOnceListener("connection", capture);
  listening.onconnection(0, client);
  server.removeListener("connection", capture);
  return accepted;
}

/** Whether this Node has what {@link inject} relies on. */
export function canInject(server: NetServer): boolean {
  return typeof (server as unknown as WithHandle)._handle?.onconnection === "function";
}

/** Makes a server stop listening, without closing its connections and without a `close` event. */
export function dropHandle(server: NetServer): void {
  const holder = server as unknown as WithHandle;
  holder._handle?.close();
  holder._handle = null;
}
