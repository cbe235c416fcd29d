// SPDX-License-Identifier: MIT
import { Server as HttpServer } from "node:http";
import { type AddressInfo, Server as NetServer } from "node:net";
import { Server as TlsServer } from "node:tls";
import { createClock } from "../../clock";
import { isInMemoryAdapter } from "../socket-io/in-memory";
import type { SocketIoServer } from "../socket-io/objects";
import { note } from "./note";
import type { Package } from "./packages";

/** How long a worker may be up, or may have listened, without Socket.IO before that is worth a line. */
const UNSEEN_MS = 10_000;
/** How long a worker that listens may take to choose an adapter or to call `setupWorker`. */
const SETTLED_MS = 3000;

/**
 * What this worker was seen to do with Socket.IO, and what its app's owner is told if that cannot work. A worker whose
 * app does not load Socket.IO, and is not sticky, has nothing to do here.
 */
export class Seen {
  private readonly clock = createClock();
  private readonly loaded = new Set<Package>();
  /** Those that were given to `setupWorker`. */
  private readonly setUp = new WeakSet<SocketIoServer>();
  private constructed = false;
  /** The Socket.IO servers that were attached; a worker has one, or a few. */
  readonly attached: SocketIoServer[] = [];
  /** When the worker began to listen last, on the machine's monotonic clock. */
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

  /** Says so if an app that is sticky turns out to have no Socket.IO that could be seen, or none that is attached. */
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

  /** What there is in place of Socket.IO, as far as it can be told. */
  private instead(): string {
    if (this.loaded.has("uWebSockets.js")) return "; it loads uWebSockets.js";
    if (this.loaded.has("engine.io")) return "; it loads Engine.IO alone";
    return process.getActiveResourcesInfo().includes("ProcessWrap") ? "; it has started another process" : "";
  }

  /**
   * Says so if a worker of an app that is not sticky serves Socket.IO as if there were no other worker. Whether there is
   * one, and shares the address, is known to those who started it.
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

/** Only clients that poll need to reach the same worker again; a WebSocket stays where it is. */
function allowsPolling(io: SocketIoServer): boolean {
  const { transports } = (io.opts ?? {}) as { transports?: unknown };
  return !Array.isArray(transports) || transports.includes("polling");
}

function nameOf(address: AddressInfo | string): string {
  return typeof address === "string" ? address : `port ${address.port}`;
}
