// SPDX-License-Identifier: MIT
import type { SocketIoServer } from "./objects";

/** The prototype of Socket.IO's server class, as far as it is needed to learn what its instances do. */
export interface ServerPrototype {
  /** Every way of attaching a server ends here: to an HTTP server, a port, an app of uWebSockets.js, an engine. */
  bind(this: SocketIoServer, engine: unknown): unknown;
}

/** Methods that tell a Socket.IO server from every other emitter, in all versions that are served. */
const METHODS = ["bind", "attach", "onconnection", "serveClient", "of"] as const;

/**
 * The prototype that has `bind`, if instances of this prototype are Socket.IO servers. It is another one where an app has
 * derived a class of its own.
 */
export function serverPrototype(prototype: object): ServerPrototype | undefined {
  if (!METHODS.every((name) => ownerOf(prototype, name))) return undefined;
  return ownerOf(prototype, "bind") as ServerPrototype | undefined;
}

/** The object of the prototype chain that has a method of this name. A getter is none, and is not called. */
function ownerOf(prototype: object, name: string): object | undefined {
  for (let owner: object | null = prototype; owner; owner = Object.getPrototypeOf(owner)) {
    const property = Object.getOwnPropertyDescriptor(owner, name);
    if (property) return typeof property.value === "function" ? owner : undefined;
  }
  return undefined;
}
