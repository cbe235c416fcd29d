// SPDX-License-Identifier: MIT
import type { SocketIoServer } from "./objects";

/** The prototype of Socket.IO's server class, as far as it is needed to see what its instances do. */
export interface ServerPrototype {
  /**
   * Every way of attaching a server ends here: to an HTTP server, a port, an app of uWebSockets.js, or an
   * engine.
   */
  bind(this: SocketIoServer, engine: unknown): unknown;
}

/** Methods that a Socket.IO server has in all versions that are served, and no other emitter has all of. */
const METHODS = ["bind", "attach", "onconnection", "serveClient", "of"] as const;

/**
 * The prototype that has the method `bind`, if instances of this prototype are Socket.IO servers. The two
 * differ if an app has derived a class of its own from Socket.IO's.
 */
export function serverPrototype(prototype: object): ServerPrototype | undefined {
  if (!METHODS.every((name) => ownerOf(prototype, name))) return undefined;
  return ownerOf(prototype, "bind") as ServerPrototype | undefined;
}

/**
 * The object in the prototype chain that has a method of this name. A getter is no method, and is not called:
 * it may be the app's.
 */
function ownerOf(prototype: object, name: string): object | undefined {
  for (let owner: object | null = prototype; owner; owner = Object.getPrototypeOf(owner)) {
    const property = Object.getOwnPropertyDescriptor(owner, name);
    if (property) return typeof property.value === "function" ? owner : undefined;
  }
  return undefined;
}
