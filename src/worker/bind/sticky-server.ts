// SPDX-License-Identifier: MIT
import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import { StickyError } from "../../errors";
import { dropHandle, type Handle, inject } from "../../node-internals";
import type { ListenAddress, MovedSession, PublicAddress } from "../../protocol/messages";
import { privateAddress } from "../../protocol/private-address";
import { sessionIdOf } from "../../protocol/session-id";
import { adoptSession } from "../handover/adopt";
import { Drain } from "../handover/drain";
import { Connections } from "../http/connections";
import { adoptClient, takeHurry } from "../http/forward";
import { Router } from "../http/router";
import { Sessions } from "../http/sessions";
import { Whereabouts } from "../http/whereabouts";
import type { WorkerLink } from "../link/link";
import type { EngineSocket, SocketIoServer } from "../socket-io/objects";
import { checkServer, handoverIsOff } from "../socket-io/parts";
import { answerPoll } from "../socket-io/take-apart";
import { listenAddress, listenCallback } from "./listen-arguments";

const netListen = NetServer.prototype.listen;

/** How old the count of forwarded requests may be that `pm2 sticky` shows. */
const FORWARDED_REPORT_MS = 250;
const HURRY_INTERVAL_MS = 10;

/**
 * The HTTP server of a worker, served by the primary: it really listens, but on a private address, and gets the public
 * connections from the primary.
 *
 *     idle ──listen()──▶ listening (privately) ──ready──▶ serving ──close(), drain──▶ closing
 *
 * It owns the server's connections, and replaces `emit`, `listen`, `close` and `address` on this one server object.
 */
export class StickyServer {
  readonly sessions: Sessions;
  private readonly whereabouts: Whereabouts;
  private readonly router: Router;
  private readonly drain: Drain;
  private readonly connections = new Connections(() => this.onChange());
  private readonly privateAddress = privateAddress();
  private readonly servers = new Set<SocketIoServer>();
  private wants: ListenAddress | undefined;
  private publicAddress: PublicAddress | undefined;
  /**
   * What becomes of the server's next `listening` event, which tells of the private address: it passes; it is held back
   * until the primary has tried to open the address that the app asked for; or it is dropped, because the app heard it
   * before.
   */
  private nextListening: "passes" | "waits" | "drops" = "passes";
  /** Connections that overtook the primary's word that the public address is open. */
  private readonly early: [number, Buffer, Handle | undefined, MovedSession | undefined][] = [];
  private injecting = false;
  private loadScheduled = false;
  private forwardedTimer: NodeJS.Timeout | undefined;

  constructor(
    readonly httpServer: HttpServer,
    private readonly link: WorkerLink,
  ) {
    if (httpServer instanceof TlsServer) throw new StickyError("STICKY_TLS");
    this.sessions = new Sessions(
      link,
      () => this.onChange(),
      (socket) => this.drain.opened(socket),
    );
    this.whereabouts = new Whereabouts(link, this.sessions);
    this.router = new Router(link, this.whereabouts);
    this.drain = new Drain(httpServer, link, this.sessions, this.connections, this.router, this.whereabouts);
    this.replaceMethods();
    httpServer.prependListener("connection", (socket) => this.onConnection(socket));
    link.on("handoff", (seq, head, handle, session) => this.receive(seq, head, handle, session));
    link.on("adopt", ({ session }) => this.adopt(session, undefined));
    link.on("listening", ({ address }) => this.onPublic(address));
    link.on("drain", ({ withinMs, ...terms }) => this.drain.start(terms, withinMs));
    link.on("shed", ({ count, ...terms }) => void this.drain.shed(count, terms));
    process.once("disconnect", () => {
      // Nobody can give us connections any more, and the private address alone should not keep the process.
      if (httpServer.listening) httpServer.close();
    });
  }

  add(io: SocketIoServer): void {
    this.servers.add(io);
    this.sessions.add(io.engine);
    checkServer(io as object);
  }

  /** Starts to listen. `wants` is the public address the app asked for, if it did. */
  listen(wants?: ListenAddress): void {
    this.wants = wants ?? this.wants;
    if (wants) this.nextListening = "waits";
    if (this.httpServer.listening && this.isPrivate()) {
      this.announce();
      return;
    }
    if (this.httpServer.listening) {
      this.moveHere(wants);
      return;
    }
    netListen.call(this.httpServer, { path: this.privateAddress, exclusive: true });
    // Not through the server's own `listening`, which may be held back.
    process.nextTick(() => this.announce());
  }

  /** Socket.IO was attached after the app has listened; `asked` is where, if it did so by way of the cluster module. */
  attachLate(asked: ListenAddress | undefined): void {
    if (this.isPrivate()) this.announce();
    else this.moveHere(asked);
  }

  /** Listens where the app is served already, and waits with being ready until Socket.IO is attached. */
  awaitAttach(wants: ListenAddress): void {
    this.wants = wants;
    netListen.call(this.httpServer, { path: this.privateAddress, exclusive: true });
  }

  private announce(): void {
    if (!this.httpServer.listening) return;
    this.link.send({ type: "ready", address: this.privateAddress, wants: this.wants });
  }

  private isPrivate(): boolean {
    return netAddress(this.httpServer) === this.privateAddress;
  }

  /**
   * Takes over a server that listens already, by way of the cluster module, because Socket.IO was attached late.
   *
   * @param asked what the app asked for, if it is known: all workers of an app should ask for the same
   */
  moveHere(asked: ListenAddress | undefined): void {
    const address = netAddress(this.httpServer) as AddressInfo | string;
    const actual =
      typeof address === "string" ? { path: address } : { port: address.port, host: address.address };
    this.wants ??=
      asked?.port === 0 && "port" in actual ? { ...asked, port: actual.port } : (asked ?? actual);
    this.publicAddress = address;
    dropHandle(this.httpServer);
    this.nextListening = "drops";
    this.listen();
  }

  private onPublic(address: PublicAddress | undefined): void {
    if (address) this.publicAddress = address;
    if (this.nextListening !== "waits") return;
    this.nextListening = "passes";
    if (this.httpServer.listening) this.httpServer.emit("listening");
    for (const handoff of this.early.splice(0)) this.receive(...handoff);
  }

  private receive(seq: number, head: Buffer, handle: Handle | undefined, session?: MovedSession): void {
    if (!this.httpServer.listening || this.drain.done) {
      handle?.close();
      this.link.sendNow({ type: "refused", seq });
      return;
    }
    if (this.nextListening === "waits") {
      this.early.push([seq, head, handle, session]);
      return;
    }
    if (session && handle) {
      this.link.send({ type: "accepted", seq });
      this.adopt(session, handle);
      return;
    }
    // Before anything is done with the connection: from here on nobody else may serve it.
    this.link.sendNow({ type: "accepted", seq });
    if (!handle) return; // the client was gone before the handle arrived
    this.injecting = true;
    const socket = inject(this.httpServer, handle);
    this.injecting = false;
    if (!socket) return;
    this.connections.add(socket);
    socket.unshift(head);
  }

  private adopt(session: MovedSession, handle: Handle | undefined): void {
    const io = [...this.servers].find((server) => this.link.scopes.isOf(server, session.scope));
    if (!io || handoverIsOff()) {
      handle?.close();
      this.link.send({ type: "adopted", sid: session.sid, ok: false });
      return;
    }
    void adoptSession(session, handle, io, this.link, this.sessions, this.whereabouts, (socket) =>
      this.connections.addUpgraded(socket),
    );
  }

  /** Connections that did not come from the primary come from another worker. */
  private onConnection(socket: Socket): void {
    if (!this.injecting) this.connections.addOfPeer(socket);
  }

  private onChange(): void {
    if (this.loadScheduled) return;
    this.loadScheduled = true;
    this.link.clock.nextTurn(() => {
      this.loadScheduled = false;
      this.link.send({
        type: "load",
        sessions: this.sessions.count,
        connections: this.connections.public.size,
        forwarded: this.router.forwarded,
        closed: this.drain.closed,
      });
      this.drain.check();
    });
  }

  /** Requests that went to another worker are counted, but are not worth a message each. */
  private onForwarded(): void {
    this.forwardedTimer ??= this.link.clock.after(FORWARDED_REPORT_MS, () => {
      this.forwardedTimer = undefined;
      this.onChange();
    });
  }

  /** Another worker wants to end, but has the open poll of a session of ours. Returns whether the request says no more. */
  private hurries(req: IncomingMessage, res: ServerResponse): boolean {
    const hurry = takeHurry(req);
    const id = hurry && sessionIdOf(req.url ?? "");
    const answer = () => {
      const conn = id === undefined ? undefined : this.sessions.find(id);
      if (conn) answerPoll(conn as unknown as EngineSocket);
    };
    if (hurry === "instead of it") {
      answer();
      res.end();
    } else if (id !== undefined) {
      // The session may still be on its way here, and the app may have something to do before.
      const timer = this.link.clock.every(HURRY_INTERVAL_MS, answer);
      res.once("close", () => clearInterval(timer));
    }
    return hurry === "instead of it";
  }

  private replaceMethods(): void {
    const server = this.httpServer;
    const { close, address, listen } = server;
    const emit = server.emit as (...args: unknown[]) => boolean;
    server.emit = (event: string, ...args: unknown[]): boolean => {
      if (this.intercepts(event, args, () => emit.call(server, event, ...args))) return true;
      return emit.call(server, event, ...args);
    };
    server.close = (callback) => {
      this.link.sendNow({ type: "closing" });
      this.drain.giveBackIdle();
      return close.call(server, callback);
    };
    server.address = () => this.publicAddress ?? address.call(server);
    server.listen = ((...args: unknown[]) => {
      const wants = listenAddress(args);
      if (!wants) return listen.apply(server, args as never);
      const callback = listenCallback(args);
      if (callback) server.once("listening", callback);
      this.listen(wants);
      return server;
    }) as typeof server.listen;
  }

  private intercepts(event: string, args: unknown[], local: () => void): boolean {
    switch (event) {
      case "request":
      case "checkContinue":
      case "checkExpectation": {
        const [req, res] = args as [IncomingMessage, ServerResponse];
        if (this.connections.isOfPeer(req.socket)) {
          adoptClient(req);
          if (this.hurries(req, res)) return true;
          this.connections.answersToPeers.add(res);
          this.drain.heardFromPeer();
          res.once("close", () => {
            this.connections.answersToPeers.delete(res);
            if (this.drain.running) this.onChange();
          });
          return event === "request" && this.router.divertRequest(req, res, true, local);
        }
        if (this.drain.running) res.once("close", () => this.onChange());
        if (event !== "request") return false;
        const diverted = this.router.divertRequest(req, res, false, local);
        if (diverted) this.onForwarded();
        return diverted;
      }
      case "upgrade": {
        const [req, socket, head] = args as [IncomingMessage, Socket, Buffer];
        this.connections.upgraded(socket);
        return this.router.divertUpgrade(req, socket, head, local);
      }
      case "listening":
        if (this.nextListening === "passes") return false;
        if (this.nextListening === "drops") this.nextListening = "passes";
        return true;
      default:
        return false;
    }
  }
}

function netAddress(server: HttpServer): AddressInfo | string | null {
  return NetServer.prototype.address.call(server);
}
