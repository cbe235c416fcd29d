// SPDX-License-Identifier: MIT
import type { Server as HttpServer } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { dropHandle, type Handle, inject } from "../../node-internals";
import type { ListenAddress, PublicAddress, ServerNumber } from "../../protocol/messages";
import { privateAddress } from "../../protocol/private-address";
import type { LocalServer } from "../http/router";
import type { WorkerLink } from "../link/link";
import { listenAddress, listenCallback, listenedWith, listenSignal } from "./listen-arguments";

const netListen = NetServer.prototype.listen;

/** A connection that overtook the primary's word that the public address is open. */
type Early = [seq: number, head: Buffer, handle: Handle | undefined];

/** What a served server needs of its worker. */
export interface ServerOwner {
  readonly link: WorkerLink;
  /** A connection of the public came in. */
  onConnection(socket: Socket, server: ServedServer): void;
  /** It asks for this address, which no other server of the worker may have; returns whether that is so. */
  mayAsk(server: ServedServer, address: ListenAddress): boolean;
  /** It has another address than before. */
  onAsk(server: ServedServer): void;
  /** It takes no connections any more. */
  onClose(server: ServedServer): void;
  /** Which of the worker's servers that asked for any port it is. */
  countAnyPort(): number;
}

/**
 * One HTTP server of this worker, as the app sees it: the face of `listen`, `address` and `close`. It really listens, but
 * on a private address, because only then Node enforces its time-outs; its public connections come from the primary.
 *
 *     idle ──listen()──▶ binding ──it listens privately──▶ asked ──the primary has opened the address──▶ public
 *      ▲                                                                                                  │
 *      └──────────────────────────── close(), or its private address cannot be opened ───────────────────┘
 *
 * The app's `listening` event, and with it the callback of `listen`, belongs to the step from asked to public.
 */
export class ServedServer implements LocalServer {
  private state: "idle" | "binding" | "asked" | "public" = "idle";
  private wants: ListenAddress | undefined;
  /** Whether the app has heard that the server listens, by way of Node's cluster module, before it was served by us. */
  private isAnnounced = false;
  private publicAddress: PublicAddress | undefined;
  /** Whether it is served wherever it listens, because it was given to `setupWorker`. */
  private isSetUp = false;
  private mayTakeDefault = false;
  private early: Early[] = [];
  private isInjecting = false;
  /** Where Socket.IO answers. */
  readonly paths = new Set<string>();
  /** Whether it is the worker's first with Socket.IO. */
  isMain = false;
  /** The listener that its connections come from, once that is open. */
  listener: number | undefined;
  private readonly original: Pick<HttpServer, "listen" | "close" | "address">;
  private readonly emit: (event: string, ...args: unknown[]) => boolean;

  constructor(
    readonly httpServer: HttpServer,
    readonly number: ServerNumber,
    private readonly owner: ServerOwner,
    /** Returns whether the event is not for the app. */
    private readonly intercepts: (event: string, args: unknown[], pass: () => void) => boolean,
  ) {
    const { listen, close, address } = httpServer;
    this.original = { listen, close, address };
    this.emit = httpServer.emit.bind(httpServer) as (event: string, ...args: unknown[]) => boolean;
    this.replaceMethods();
  }

  /** Whether it takes connections, or is about to. */
  get isListening(): boolean {
    return this.state !== "idle";
  }

  /** The address that it asked for, as a text that is the same in all workers that ask for it. */
  get address(): string | undefined {
    return (
      this.wants && JSON.stringify([this.wants.path ?? this.wants.port, this.wants.host, this.wants.nth])
    );
  }

  /** Whether the app itself has called `listen`. */
  get wasAsked(): boolean {
    return this.wants !== undefined;
  }

  /** The app calls `listen` with these arguments. */
  listenAs(args: readonly unknown[]): void {
    const wants = listenAddress(args);
    if (!wants || (this.isListening && this.wasAsked)) {
      // What the primary cannot open, and what Node itself complains about.
      this.original.listen.apply(this.httpServer, args as never);
      return;
    }
    // It may have been served at the default address so far; where it asked for is news.
    this.isAnnounced = false;
    const callback = listenCallback(args);
    if (callback) this.httpServer.once("listening", callback);
    listenSignal(args)?.addEventListener("abort", () => this.httpServer.close());
    this.listenOn(wants);
  }

  /** Listens, where the app asked to, or at the app's default address. */
  listenOn(wants: ListenAddress | undefined): void {
    if (wants && !this.owner.mayAsk(this, wants)) {
      process.nextTick(() => this.httpServer.emit("error", inUse(wants)));
      return;
    }
    this.wants = wants?.port === 0 ? { ...wants, nth: this.owner.countAnyPort() } : wants;
    this.owner.onAsk(this);
    if (this.state === "idle") this.bind();
    else if (this.state !== "binding") this.ask();
  }

  /**
   * Takes over a server that listens already, by way of the cluster module, because it was given to us late.
   *
   * @param isAnnounced whether the app has heard that it listens
   */
  takeOver(isAnnounced: boolean): void {
    this.isAnnounced = isAnnounced;
    // All workers of an app should ask for the same. What a server has got may be said in other words: for all
    // addresses, `listen(3000)` asks for none, and gets "::".
    const args = listenedWith.get(this.httpServer);
    const asked = args && listenAddress(args);
    const address = this.original.address.call(this.httpServer) as AddressInfo | string;
    const actual =
      typeof address === "string" ? { path: address } : { port: address.port, host: address.address };
    this.publicAddress = address;
    dropHandle(this.httpServer);
    const isAnyPort = asked?.port === 0 && "port" in actual;
    this.listenOn(isAnyPort ? { ...asked, port: actual.port } : (asked ?? actual));
  }

  /** Socket.IO answers at a path, from now on. */
  attach(path: string, isMain: boolean): void {
    if (this.paths.has(path) && this.isMain === isMain) return;
    this.paths.add(path);
    this.isMain = isMain;
    if (this.state === "asked" || this.state === "public") this.tellPath(path);
  }

  /** It was given to `setupWorker`: it is served, wherever the app makes it listen. */
  setUp(): void {
    this.isSetUp = true;
  }

  /** Asks for the app's default address, unless the app has said meanwhile where it wants to listen. */
  askForDefault(): void {
    // Without us it may be about to listen by way of the cluster module.
    if (this.wasAsked || this.httpServer.listening) return;
    this.mayTakeDefault = true;
    if (this.state === "idle") this.bind();
    else if (this.state === "asked") this.ask();
  }

  /** The public address is open. */
  opened(listener: number, address: PublicAddress): void {
    this.listener = listener;
    this.publicAddress = address;
    if (this.state !== "asked") return;
    this.state = "public";
    if (!this.isAnnounced) this.emit("listening");
    this.isAnnounced = true;
    for (const [seq, head, handle] of this.early.splice(0)) this.receive(seq, head, handle);
  }

  /** A connection from the primary, with the bytes that were read from it. */
  receive(seq: number, head: Buffer, handle: Handle | undefined): void {
    const { link } = this.owner;
    if (!this.httpServer.listening) {
      handle?.close();
      link.sendNow({ type: "refused", seq });
      return;
    }
    if (this.state !== "public") {
      this.early.push([seq, head, handle]);
      return;
    }
    // Before anything is done with the connection: from here on nobody else may serve it.
    link.sendNow({ type: "accepted", seq });
    if (!handle) return; // the client was gone before the handle arrived
    this.isInjecting = true;
    const socket = inject(this.httpServer, handle);
    this.isInjecting = false;
    if (!socket) return;
    this.owner.onConnection(socket, this);
    socket.unshift(head);
  }

  /** Whether the connection that comes in at this moment is one of the public. */
  get isReceiving(): boolean {
    return this.isInjecting;
  }

  /** The primary cannot be heard any more: the private address alone should not keep the process. */
  end(): void {
    if (this.httpServer.listening) this.original.close.call(this.httpServer);
  }

  private bind(): void {
    this.state = "binding";
    const { link } = this.owner;
    const begin = () => {
      if (this.state !== "binding") return;
      const path = privateAddress(link.folder, this.number);
      netListen.call(this.httpServer, { path, exclusive: true });
    };
    if (link.isOpen) begin();
    else link.once("open", begin);
  }

  /** It listens privately. */
  private bound(): void {
    if (this.state !== "binding") return;
    this.state = "asked";
    if (this.wasAsked || this.mayTakeDefault) this.ask();
  }

  private ask(): void {
    const { link } = this.owner;
    this.state = "asked";
    link.send({ type: "serve", server: this.number, wants: this.wants, main: this.isMain });
    for (const path of this.paths) this.tellPath(path);
  }

  private tellPath(path: string): void {
    this.owner.link.send({ type: "attached", server: this.number, path, main: this.isMain });
  }

  private closed(): void {
    if (this.state === "asked" || this.state === "public") {
      this.owner.link.sendNow({ type: "unserve", server: this.number });
    }
    this.state = "idle";
    this.wants = undefined;
    this.isAnnounced = false;
    this.publicAddress = undefined;
    this.listener = undefined;
    for (const [seq, , handle] of this.early.splice(0)) {
      handle?.close();
      this.owner.link.sendNow({ type: "refused", seq });
    }
    this.owner.onClose(this);
  }

  private replaceMethods(): void {
    const { httpServer, original } = this;
    httpServer.emit = (event: string, ...args: unknown[]): boolean => {
      if (event === "listening" && this.state === "binding") {
        this.bound();
        return true;
      }
      if (event === "listening" && this.state === "idle" && this.isSetUp) {
        this.takeOver(false);
        return true;
      }
      if (this.intercepts(event, args, () => this.emit(event, ...args))) return true;
      return this.emit(event, ...args);
    };
    httpServer.listen = ((...args: unknown[]) => {
      this.listenAs(args);
      return httpServer;
    }) as typeof httpServer.listen;
    httpServer.close = (callback) => {
      this.closed();
      return original.close.call(httpServer, callback);
    };
    httpServer.address = () => {
      if (this.publicAddress !== undefined) return this.publicAddress;
      return this.isListening ? null : original.address.call(httpServer);
    };
  }
}

/** What Node says when a process listens twice on one address. */
function inUse({ path, host, port }: ListenAddress): Error {
  const where = path ?? `${host ?? "::"}:${port}`;
  const error = new Error(`listen EADDRINUSE: address already in use ${where}`);
  return Object.assign(error, {
    code: "EADDRINUSE",
    errno: -98,
    syscall: "listen",
    address: path ?? host ?? "::",
    port,
  });
}
