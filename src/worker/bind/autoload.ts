// SPDX-License-Identifier: MIT
import { watchEmitters, watchLoads, watchModules } from "../../node-internals";
import type { SocketIoServer } from "../socket-io/objects";
import { serverPrototype } from "../socket-io/server-kind";
import { endsKeepAlive, reviveBuffers, watchBundled } from "./bundled";
import { note } from "./note";
import { type Package, packageOf, type Replacements, replaceExports, replaceFutureExports } from "./packages";
import { Seen } from "./seen";
import { unserved } from "./servable";

/**
 * Binds this package to a worker that was not written for it, whatever the worker turns out to load:
 *
 * - The exports of the official packages are replaced by ours wherever the app loads them: by `require`, by
 *   `import`, or through a loader that compiles them itself.
 * - Socket.IO servers are found when they are constructed. It does not matter where the code of Socket.IO
 *   came from; it may be part of a bundle.
 * - Copies of the official packages in a bundle are noticed when they begin to listen for messages.
 *
 * Every process in cluster mode runs this, and most of them have no Socket.IO. So nothing else of this
 * package is loaded, and no link is opened, before there is a reason.
 *
 * @param sticky whether the app has the option `sticky`: then all its HTTP servers are served by the primary
 */
export function autoload(sticky: boolean): void {
  const seen = new Seen();
  const setupWorker = (io: SocketIoServer) => {
    seen.onSetUp(io);
    setUp(io);
  };
  const replacements: Partial<Record<Package, Replacements>> = {
    sticky: { setupWorker: () => setupWorker },
    "cluster-adapter": {
      createAdapter: () => adapters().createAdapter,
      NodeClusterAdapter: () => adapters().NodeClusterAdapter,
    },
  };

  const onLoaded = (name: Package) => {
    seen.onLoaded(name);
    // An app that will call `setupWorker` may call `listen` before that.
    if (name === "sticky") claim().watchListen("watch");
  };
  watchLoads((request, exports) => {
    const name = packageOf(request);
    if (!name) return;
    onLoaded(name);
    if (replacements[name]) replaceExports(exports, replacements[name]);
  });
  watchModules((filename, module) => {
    const name = packageOf(filename);
    if (!name) return;
    onLoaded(name);
    if (replacements[name]) replaceFutureExports(module, replacements[name]);
  });
  watchServers(seen, sticky);
  watchBundled({
    onSticky: () => takeOver(seen),
    onAdapter: once(() => {
      // The link is opened before the adapter sends its first message. Without a link the primary would take
      // this worker for one that knows the official packages only, and would hand connections over in their
      // way.
      (require("../link/link") as typeof import("../link/link")).link();
      reviveBuffers();
    }),
  });
  if (sticky) {
    seen.expectSocketIo();
    claim().watchListen("claim");
  }
}

/**
 * Finds every Socket.IO server that is attached to something from now on. All ways of attaching one end in
 * its method `bind`.
 */
function watchServers(seen: Seen, sticky: boolean): void {
  const watched = new WeakSet<object>();
  watchEmitters((kind) => {
    const prototype = serverPrototype(kind);
    if (!prototype) return;
    seen.onConstructed();
    if (watched.has(prototype)) return;
    watched.add(prototype);
    const { bind } = prototype;
    prototype.bind = function (engine) {
      const result = bind.call(this, engine);
      seen.onAttached(this);
      if (sticky) serve(this);
      else seen.checkServed(this);
      return result;
    };
  });
}

function serve(io: SocketIoServer): void {
  const instead = unserved(io);
  if (instead === undefined) claim().onAttach(io);
  else note("STICKY_UNSERVED", [instead]);
}

/**
 * A bundled copy of the official `setupWorker` is running. When it has returned, ours does its work. The
 * bundled one goes on listening for messages that nobody sends, which does no harm. But it has also put a
 * listener in front of the server's requests that switches HTTP keep-alive off; that one is removed.
 */
function takeOver(seen: Seen): void {
  const firstOf = ({ httpServer }: SocketIoServer) => httpServer?.listeners("request")[0];
  const { attached } = seen;
  const io = attached.find((each) => endsKeepAlive(firstOf(each))) ?? attached.at(-1);
  if (!io) return;
  const first = firstOf(io);
  if (endsKeepAlive(first)) io.httpServer.removeListener("request", first as () => void);
  seen.onSetUp(io);
  process.nextTick(setUp, io);
}

function setUp(io: SocketIoServer): void {
  (require("./setup-worker") as typeof import("./setup-worker")).setupWorker(io);
}

function claim(): typeof import("./claim-listen") {
  return require("./claim-listen");
}

function adapters(): typeof import("../adapter/adapter") {
  return require("../adapter/adapter");
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}
