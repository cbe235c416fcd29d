// SPDX-License-Identifier: MIT
import { Server as HttpServer } from "node:http";
import { type AddressInfo, Server as NetServer } from "node:net";
import { Server as TlsServer } from "node:tls";
import { createClock } from "../../clock";
import { isInMemoryAdapter } from "../socket-io/in-memory";
import type { SocketIoServer } from "../socket-io/objects";
import { note } from "./note";
import type { Package } from "./packages";

/**
 * How long a worker may be up, or may have listened, before it is worth a line that no Socket.IO was seen.
 */
const UNSEEN_MS = 10_000;
/** How long a worker that listens may take to choose an adapter, or to call `setupWorker`. */
const SETTLED_MS = 3000;

/**
 * What this worker was seen to do with Socket.IO; and telling the app's owner if that cannot work. Nothing is
 * told of a worker that does not load Socket.IO and whose app has no `sticky`.
 */
export class Seen {
  private readonly clock = createClock();
  private readonly loaded = new Set<Package>();
  /** The Socket.IO servers that were given to `setupWorker`. */
  private readonly setUp = new WeakSet<SocketIoServer>();
  private constructed = false;
  /** The Socket.IO servers that were attached; a worker has one, or a few. */
  readonly attached: SocketIoServer[] = [];
  /** When the worker called `listen` last, on the machine's monotonic clock; 0 if it never did. */
  private listenedMs = 0;

  onLoaded(name: Package): void {
    this.loaded.add(name);
  }

  onSetUp(io: SocketIoServer): void {
    if (typeof io === "object" && io !== null) this.setUp.add(io);
  }

  /** A Socket.IO server is being constructed. */
  onConstructed(): void {
    this.constructed = true;
  }

  onAttached(io: SocketIoServer): void {
    this.attached.push(io);
  }

  /**
   * For an app with `sticky`: tells its owner if no Socket.IO is seen in this worker after a while, or none
   * that is attached.
   */
  expectSocketIo(): void {
    const seen = this;
    const { listen } = NetServer.prototype;
    NetServer.prototype.listen = function (this: NetServer, ...args: unknown[]) {
      seen.listenedMs = seen.clock.now();
      return listen.apply(this, args as never);
    } as typeof listen;
    this.clock.after(UNSEEN_MS, () => this.checkSeen());
  }

  private checkSeen(): void {
    const restMs = this.listenedMs + UNSEEN_MS - this.clock.now();
    if (this.attached.length > 0) return;
    if (this.listenedMs > 0 && restMs > 0) this.clock.after(restMs, () => this.checkSeen());
    else if (this.constructed) note("STICKY_UNATTACHED");
    else if (!this.loaded.has("socket.io")) note("STICKY_UNSEEN", [this.instead()]);
  }

  /** What there seems to be in place of Socket.IO, as the end of the sentence in the log. */
  private instead(): string {
    if (this.loaded.has("uWebSockets.js")) return "; it loads uWebSockets.js";
    if (this.loaded.has("engine.io")) return "; it loads Engine.IO alone";
    return process.getActiveResourcesInfo().includes("ProcessWrap") ? "; it has started another process" : "";
  }

  /**
   * For an app without `sticky`: tells its owner if this worker serves Socket.IO as if there were no other
   * worker. If several workers say so of the same address, it cannot work. Only the process that started them
   * can see that, so the note is "shared": it is logged when a second worker says the same.
   */
  checkServed(io: SocketIoServer): void {
    const { httpServer } = io;
    if (!(httpServer instanceof HttpServer) && !((httpServer as unknown) instanceof TlsServer)) return;
    const check = () => {
      const address = httpServer.address();
      if (this.setUp.has(io) || !isInMemoryAdapter(io.adapter()) || !allowsPolling(io) || !address) return;
      const name = nameOf(address);
      note("STICKY_MISSING", [name], name);
    };
    const onListening = () => void this.clock.after(SETTLED_MS, check);
    if (httpServer.listening) onListening();
    else httpServer.once("listening", onListening);
  }
}

/**
 * Whether clients may use long polling. Only then they need to reach the same worker again; a WebSocket stays
 * where it is.
 */
function allowsPolling(io: SocketIoServer): boolean {
  const { transports } = (io.opts ?? {}) as { transports?: unknown };
  return !Array.isArray(transports) || transports.includes("polling");
}

function nameOf(address: AddressInfo | string): string {
  return typeof address === "string" ? address : `port ${address.port}`;
}
