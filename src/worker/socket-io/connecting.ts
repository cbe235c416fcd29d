// SPDX-License-Identifier: MIT
import type { EngineSocket, Nsp, SioClient, SioSocket, SocketIoServer } from "./objects";

/**
 * Which clients are about to get a socket in a namespace: a middleware, or the app, has yet to decide about
 * them. Such a client waits for an answer, so its session must not move. If the installed Socket.IO lacks
 * what is looked at here, no client counts as waiting.
 */
const connecting = new WeakMap<EngineSocket, Set<object>>();

function connectingOf(conn: EngineSocket): Set<object> {
  const known = connecting.get(conn);
  if (known) return known;
  const pending = new Set<object>();
  connecting.set(conn, pending);
  return pending;
}

/** From now on notes which sessions have a socket in this namespace that waits for a middleware. */
export function watchConnecting(nsp: Nsp): void {
  const createSocket = nsp._createSocket;
  if (typeof createSocket !== "function") return;
  nsp._createSocket = async function (client, auth) {
    watchChecks(nsp.server, client);
    const pending = connectingOf(client.conn);
    const creation = {};
    pending.add(creation);
    try {
      const socket = (await createSocket.call(this, client, auth)) as SioSocket;
      const end = () => pending.delete(socket);
      if (callFirst(socket, "_onconnect", end) && callFirst(socket, "_cleanup", end)) pending.add(socket);
      return socket;
    } finally {
      pending.delete(creation);
    }
  };
}

const watched = new WeakSet<SocketIoServer>();

/**
 * The same for clients that wait until the app allows a dynamic namespace. Socket.IO does not say on whose
 * behalf it asks the app, but it asks within `connect` of the client.
 */
function watchChecks(server: SocketIoServer, client: SioClient): void {
  const check = server._checkNamespace;
  const prototype = Object.getPrototypeOf(client) as { connect?(...args: unknown[]): unknown };
  const { connect } = prototype;
  if (watched.has(server) || typeof check !== "function" || typeof connect !== "function") return;
  watched.add(server);
  let asking: EngineSocket | undefined;
  prototype.connect = function (this: SioClient, ...args) {
    asking = this.conn;
    try {
      return connect.apply(this, args);
    } finally {
      asking = undefined;
    }
  };
  server._checkNamespace = function (name, auth, callback) {
    const pending = asking && connectingOf(asking);
    const question = {};
    pending?.add(question);
    check.call(this, name, auth, (nsp) => {
      pending?.delete(question);
      callback(nsp);
    });
  };
}

/**
 * Calls `first` when the object's method is called for the first time, right before it. Returns whether it
 * has such a method.
 */
function callFirst(object: object, name: string, first: () => void): boolean {
  const methods = object as Record<string, unknown>;
  if (typeof methods[name] !== "function") return false;
  methods[name] = function (this: unknown, ...args: unknown[]) {
    first();
    Reflect.deleteProperty(methods, name);
    return (methods[name] as (...args: unknown[]) => unknown).apply(this, args);
  };
  return true;
}

/**
 * Whether a client waits for an answer: it has asked to connect to a namespace, and that is not decided yet.
 */
export function isConnecting(conn: EngineSocket): boolean {
  return (connecting.get(conn)?.size ?? 0) > 0;
}
