// SPDX-License-Identifier: MIT
import type { Server as HttpServer } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { constants } from "node:os";
import { dropHandle, type Handle, inject } from "../../node-internals";
import type { ListenAddress, PublicAddress, ServerNumber } from "../../protocol/messages";
import { privateAddress } from "../../protocol/private-address";
import type { LocalServer } from "../http/router";
import type { WorkerLink } from "../link/link";
import { listenAddress, listenCallback, listenedWith, listenSignal } from "./listen-arguments";

const netListen = NetServer.prototype.listen;

/**
 * A connection that has come before the primary's word that the public address is open. They travel on
 * different channels.
 */
type Early = [seq: number, head: Buffer, handle: Handle | undefined];

export interface ServerOwner {
  readonly link: WorkerLink;
  /** A client's connection came in. */
  onConnection(socket: Socket, server: ServedServer): void;
  /**
   * The server wants this address. Returns whether it may ask for it: no other server of the worker may have
   * the same one.
   */
  mayAsk(server: ServedServer, address: ListenAddress): boolean;
  /** The server has another address than before. */
  onAsk(server: ServedServer): void;
  /** The server takes no connections any more. */
  onClose(server: ServedServer): void;
  /** The number of the next server that asks for any port (`listen(0)`), counting from 0. */
  countAnyPort(): number;
}

/**
 * One HTTP server of this worker, as the app sees it through `listen`, `address` and `close`. The connections
 * of its clients come from the primary, which has the public address. The server still listens, but on a
 * private address: only a server that listens has its time-outs enforced by Node, and other workers connect
 * to it there.
 *
 *     idle ──listen()──▶ binding ──it listens privately──▶ asked ──the primary has opened the address──▶ public
 *      ▲                                                                                                  │
 *      └──────────────────────────────────────────── close() ────────────────────────────────────────────┘
 *
 * The app's `listening` event, and with it the callback of `listen`, belongs to the step from asked to
 * public.
 */
export class ServedServer implements LocalServer {
  private state: "idle" | "binding" | "asked" | "public" = "idle";
  private wants: ListenAddress | undefined;
  /**
   * Whether the app has had its `listening` event, so that it must not get a second one. It may have had it
   * before the server was served by us, when the server listened by way of Node's cluster module.
   */
  private isAnnounced = false;
  private publicAddress: PublicAddress | undefined;
  private privatePath: string | undefined;
  /** Whether it was given to `setupWorker`: then it is served wherever it listens. */
  private isSetUp = false;
  private mayTakeDefault = false;
  private early: Early[] = [];
  private isInjecting = false;
  /** The paths at which Socket.IO is attached. */
  readonly paths = new Set<string>();
  /** Whether it is the worker's first server with Socket.IO: it has the app's main address. */
  isMain = false;
  /** The primary's number for the public address that its connections come from, once that is open. */
  listener: number | undefined;
  private readonly original: Pick<HttpServer, "listen" | "close" | "address">;
  private readonly emit: (event: string, ...args: unknown[]) => boolean;

  constructor(
    readonly httpServer: HttpServer,
    readonly number: ServerNumber,
    private readonly owner: ServerOwner,
    /**
     * Looks at an event before the app does. Returns whether to keep it from the app; `pass` lets it through
     * later.
     */
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

  /** The address that it has asked for, as a text that is the same in all workers that ask for it. */
  get address(): string | undefined {
    return (
      this.wants && JSON.stringify([this.wants.path ?? this.wants.port, this.wants.host, this.wants.nth])
    );
  }

  /** Whether it has asked for an address of its own, and not for the app's default one. */
  get wasAsked(): boolean {
    return this.wants !== undefined;
  }

  /** The app calls `listen` with these arguments. */
  listenAs(args: readonly unknown[]): void {
    const wants = listenAddress(args);
    if (!wants || (this.isListening && this.wasAsked)) {
      // This is something that the primary cannot open, or a second `listen`, which Node itself complains
      // about.
      this.original.listen.apply(this.httpServer, args as never);
      return;
    }
    // If it was served at the default address so far, the app is to have its `listening` event once more, for
    // the new one.
    this.isAnnounced = false;
    const callback = listenCallback(args);
    if (callback) this.httpServer.once("listening", callback);
    listenSignal(args)?.addEventListener("abort", () => this.httpServer.close());
    this.listenOn(wants);
  }

  /**
   * Listens privately, and asks the primary for this public address; for the app's default one if there is
   * none. If another server of the worker has the address already, the app gets the same error as from Node.
   */
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
   * Takes over a server that was given to us late, when it already listened by way of Node's cluster module.
   *
   * @param isAnnounced whether the app has had its `listening` event
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

  /**
   * Takes over a server that has called `listen` by way of Node's cluster module, and found the address in use: if that
   * is because the primary has it for other workers of the app, all is well.
   */
  takeRefused(): void {
    // The callback of that `listen` still waits for the `listening` event.
    this.listenOn(listenAddress(listenedWith.get(this.httpServer) ?? []));
  }

  /** Socket.IO is attached at this path from now on. */
  attach(path: string, isMain: boolean): void {
    if (this.paths.has(path) && this.isMain === isMain) return;
    this.paths.add(path);
    this.isMain = isMain;
    if (this.state === "asked" || this.state === "public") this.tellPath(path);
  }

  /** It was given to `setupWorker`: it is served from now on, wherever the app makes it listen. */
  setUp(): void {
    this.isSetUp = true;
  }

  /** Asks for the app's default address, unless the app has called `listen` in the meantime. */
  askForDefault(): void {
    // It may also listen by way of Node's cluster module, and is taken over when it says so.
    if (this.wasAsked || this.httpServer.listening) return;
    this.mayTakeDefault = true;
    if (this.state === "idle") this.bind();
    else if (this.state === "asked") this.ask();
  }

  /** The primary has opened the public address. */
  opened(listener: number, address: PublicAddress): void {
    this.listener = listener;
    this.publicAddress = address;
    if (this.state !== "asked") return;
    this.state = "public";
    if (!this.isAnnounced) this.emit("listening");
    this.isAnnounced = true;
    for (const [seq, head, handle] of this.early.splice(0)) this.receive(seq, head, handle);
  }

  /** Takes a connection from the primary, with the bytes that the primary has read from it. */
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
    // Said before anything is done with the connection: from here on the app may see it, so nobody else may
    // be offered it.
    link.sendNow({ type: "accepted", seq });
    if (!handle) return; // the client was gone before the handle arrived
    this.isInjecting = true;
    const socket = inject(this.httpServer, handle);
    this.isInjecting = false;
    if (!socket) return;
    this.owner.onConnection(socket, this);
    socket.unshift(head);
  }

  /**
   * Whether the connection that comes in at this moment is that of a client, and not that of another worker.
   */
  get isReceiving(): boolean {
    return this.isInjecting;
  }

  /** The primary is gone. The private address is closed, because it alone would keep the process running. */
  end(): void {
    if (this.httpServer.listening) this.original.close.call(this.httpServer);
  }

  private bind(): void {
    this.state = "binding";
    const { link } = this.owner;
    const begin = () => {
      if (this.state !== "binding") return;
      const path = privateAddress(link.folder, this.number);
      this.privatePath = path;
      netListen.call(this.httpServer, { path, exclusive: true });
    };
    if (link.isOpen) begin();
    else link.once("open", begin);
  }

  /** It listens on its private address now. */
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
      // The private address cannot be opened; the app hears of it as of any address, and may try again.
      if (event === "error" && this.state === "binding") this.closed();
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
      if (this.isListening) return null;
      // Node still knows the path of a Unix socket that is closed; ours is nobody's business.
      const address = original.address.call(httpServer);
      return address === this.privatePath ? null : address;
    };
  }
}

/** What Node says when a process listens twice on one address. */
function inUse({ path, host, port }: ListenAddress): Error {
  const where = path ?? `${host ?? "::"}:${port}`;
  const error = new Error(`listen EADDRINUSE: address already in use ${where}`);
  return Object.assign(error, {
    code: "EADDRINUSE",
    errno: -constants.errno.EADDRINUSE,
    syscall: "listen",
    address: path ?? host ?? "::",
    port,
  });
}
