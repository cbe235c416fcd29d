// SPDX-License-Identifier: MIT
import { watchLoads } from "../../node-internals";
import { createAdapter, NodeClusterAdapter } from "../adapter/adapter";
import type { SocketIoServer } from "../socket-io/objects";
import { onAttach, watchListen } from "./claim-listen";
import { setupWorker } from "./setup-worker";

/**
 * Binds this package to a worker that was not written for it: where the app loads one of the packages below, its exports
 * are replaced or its server class is watched. The exports are changed in place, because an ES import reads them after
 * loading.
 */
type Exports = Record<string, unknown>;

const LOADED =
  /(?:^|[\\/])(@socket\.io[\\/](?:sticky|cluster-adapter)|pm2-socket\.io[\\/](?:lib[\\/])?(?:sticky|cluster-adapter)|socket\.io)(?:[\\/](?:dist[\\/])?index(?:\.js)?|\.js)?$/;

const seen = new WeakSet<object>();

/**
 * @param sticky whether the app asked for sticky sessions without a call of its own (`sticky` in the ecosystem file)
 */
export function autoload(sticky: boolean): void {
  if (sticky) watchListen("claim");
  watchLoads((request, exports) => {
    const name = LOADED.exec(request)?.[1]?.replaceAll("\\", "/").replace("/lib/", "/");
    const isObject = (typeof exports === "object" || typeof exports === "function") && exports !== null;
    if (name && isObject && !seen.has(exports)) bind(name, exports as Exports, sticky);
  });
}

function bind(name: string, exports: Exports, sticky: boolean): void {
  if (name.endsWith("/sticky") && "setupWorker" in exports) {
    seen.add(exports);
    exports.setupWorker = setupWorker;
    watchListen("watch");
  } else if (name.endsWith("/cluster-adapter") && "createAdapter" in exports) {
    seen.add(exports);
    Object.assign(exports, { createAdapter, NodeClusterAdapter });
  } else if (name === "socket.io" && sticky) {
    const { prototype } = (exports.Server ?? {}) as {
      prototype?: SocketIoServer & { bind?(engine: unknown): unknown };
    };
    if (typeof prototype?.bind !== "function" || seen.has(prototype)) return;
    seen.add(exports).add(prototype);
    watchAttach(prototype as never);
  }
}

/** `bind` is what every way of attaching a Socket.IO server ends in. */
function watchAttach(prototype: SocketIoServer & { bind(engine: unknown): unknown }): void {
  const { bind } = prototype;
  prototype.bind = function (this: SocketIoServer, engine) {
    const result = bind.call(this, engine);
    if (this.httpServer) onAttach(this);
    return result;
  };
}
