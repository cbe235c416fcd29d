// SPDX-License-Identifier: MIT
import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import { StickyError } from "../../errors";
import type { Handle } from "../../node-internals";
import type { ListenAddress, MovedSession } from "../../protocol/messages";
import { sessionIdOf } from "../../protocol/session-id";
import { adoptSession } from "../handover/adopt";
import { Drain } from "../handover/drain";
import { adoptClient } from "../http/client-address";
import { Connections } from "../http/connections";
import { takeHurry } from "../http/forward";
import { Router } from "../http/router";
import { Sessions } from "../http/sessions";
import { Whereabouts } from "../http/whereabouts";
import { link, type WorkerLink } from "../link/link";
import type { EngineServer, SocketIoServer } from "../socket-io/objects";
import { checkServer, handoverIsOff } from "../socket-io/parts";
import { answerPoll } from "../socket-io/take-apart";
import { listenedWith } from "./listen-arguments";
import { ServedServer, type ServerOwner } from "./served-server";

/**
 * For how long forwarded requests are only counted, before the count that `pm2 sticky` shows is sent to the
 * primary.
 */
const FORWARDED_REPORT_MS = 250;
const HURRY_INTERVAL_MS = 10;
/**
 * A worker that calls `setupWorker` and no `listen` gets the app's default address after this time. The
 * primary remembers that the app does so: only the workers of its very first start have to wait.
 */
const DEFAULT_ADDRESS_MS = 1000;

/**
 * What this process is to its primary: its HTTP servers, the sessions on all of them, and giving those up.
 * This class puts the parts together and passes messages and events on to them. What the app sees of a single
 * HTTP server is in {@link ServedServer}.
 */
export class ServedWorker implements ServerOwner {
  readonly sessions: Sessions;
  private readonly whereabouts: Whereabouts;
  private readonly router: Router;
  private readonly drain: Drain;
  private readonly connections = new Connections(() => this.onChange());
  private readonly servers = new Map<HttpServer, ServedServer>();
  private readonly sioServers = new Set<SocketIoServer>();
  /** A Socket.IO server has an engine for each HTTP server that it is attached to. */
  private readonly engines = new Map<EngineServer, { io: SocketIoServer; server: ServedServer }>();
  /** The first server with Socket.IO, which has the app's main address. */
  private main: ServedServer | undefined;
  private anyPorts = 0;
  private isLoadScheduled = false;
  private forwardedTimer: NodeJS.Timeout | undefined;

  constructor(readonly link: WorkerLink) {
    this.sessions = new Sessions(
      link,
      () => this.onChange(),
      (socket) => this.drain.opened(socket),
    );
    this.whereabouts = new Whereabouts(link, this.sessions);
    this.router = new Router(link, this.whereabouts);
    this.drain = new Drain(link, this.sessions, this.connections, this.router, this.whereabouts);
    link.on("handoff", (seq, server, head, handle, session) => {
      if (session) this.receiveSession(seq, handle, session);
      else this.receive(seq, server, head, handle);
    });
    link.on("adopt", ({ session }) => this.adopt(session, undefined));
    link.on("listening", ({ server, listener, address }) => this.byNumber(server)?.opened(listener, address));
    link.on("drain", ({ withinMs, ...terms }) => this.drain.start(terms, withinMs));
    link.on("shed", ({ count, ...terms }) => void this.drain.shed(count, terms));
    process.once("disconnect", () => {
      for (const server of this.servers.values()) server.end();
    });
  }

  /**
   * Makes an HTTP server one that the primary serves, unless it is one already.
   *
   * @throws StickyError `STICKY_TLS` for an HTTPS server
   */
  serverOf(httpServer: HttpServer): ServedServer {
    const known = this.servers.get(httpServer);
    if (known) return known;
    if (httpServer instanceof TlsServer) throw new StickyError("STICKY_TLS");
    const intercepts = (event: string, args: unknown[], pass: () => void) =>
      this.intercepts(server, event, args, pass);
    const server: ServedServer = new ServedServer(httpServer, this.servers.size, this, intercepts);
    this.servers.set(httpServer, server);
    this.connections.addServer(httpServer);
    httpServer.prependListener("connection", (socket) => {
      // Whatever does not come from the primary has come in at the private address, so it is another
      // worker's.
      if (!server.isReceiving) this.connections.addOfPeer(socket);
    });
    return server;
  }

  /** Whether the HTTP server is served by the primary. */
  serves(httpServer: HttpServer): boolean {
    return this.servers.has(httpServer);
  }

  /** Notes that Socket.IO was attached to an HTTP server, which is served from now on. */
  attach(io: SocketIoServer): ServedServer {
    const server = this.serverOf(io.httpServer);
    this.sioServers.add(io);
    this.sessions.add(io.engine, server);
    this.engines.set(io.engine, { io, server });
    checkServer(io);
    this.onAsk(server);
    this.main ??= server;
    server.attach(pathOf(io), this.main === server);
    return server;
  }

  /**
   * Notes that a Socket.IO server was given to `setupWorker`. Its HTTP server is served wherever the app
   * makes it listen; or, if the app does not, at the default address.
   *
   * @throws StickyError `STICKY_SECOND_SERVER` if another HTTP server came first and this one does not
   *   listen: the default address can be only one server's
   */
  setUp(io: SocketIoServer): void {
    const first = this.main;
    const { httpServer } = io;
    const isListening = this.servers.get(httpServer)?.isListening || httpServer.listening;
    // One that is about to listen counts as well.
    if (first && first.httpServer !== httpServer && !isListening && !listenedWith.has(httpServer)) {
      throw new StickyError("STICKY_SECOND_SERVER");
    }
    const server = this.attach(io);
    server.setUp();
    if (server.wasAsked) return;
    const askForDefault = () => server.askForDefault();
    this.link.clock.after(DEFAULT_ADDRESS_MS, askForDefault);
    if (this.link.isOpen && this.link.takesDefault) askForDefault();
    else this.link.once("open", () => this.link.takesDefault && askForDefault());
  }

  // What a served server needs.

  onConnection(socket: Socket, server: ServedServer): void {
    this.connections.add(socket, server.number);
  }

  mayAsk(server: ServedServer, address: ListenAddress): boolean {
    const key = keyOf(address);
    if (key === undefined) return true;
    const holder = this.asked.get(key);
    if (holder !== undefined && holder !== server) return false;
    this.onClose(server);
    this.asked.set(key, server);
    return true;
  }

  /** Which server has asked for which address. Those that asked for any port are not in it. */
  private readonly asked = new Map<string, ServedServer>();

  onClose(server: ServedServer): void {
    for (const [key, holder] of this.asked) if (holder === server) this.asked.delete(key);
    this.drain.giveBackIdle();
  }

  /**
   * If several Socket.IO servers of a process have the same path, the addresses of their HTTP servers tell
   * which of them belongs to which of another worker.
   */
  onAsk({ httpServer, address }: ServedServer): void {
    if (address === undefined) return;
    for (const io of this.sioServers)
      if (io.httpServer === httpServer) this.link.scopes.setAddress(io, address);
  }

  countAnyPort(): number {
    return this.anyPorts++;
  }

  private byNumber(number: number): ServedServer | undefined {
    for (const server of this.servers.values()) if (server.number === number) return server;
    return undefined;
  }

  private receive(seq: number, number: number | undefined, head: Buffer, handle: Handle | undefined): void {
    const server = number === undefined ? undefined : this.byNumber(number);
    if (server && !this.drain.done) {
      server.receive(seq, head, handle);
      return;
    }
    handle?.close();
    this.link.sendNow({ type: "refused", seq });
  }

  private receiveSession(seq: number, handle: Handle | undefined, session: MovedSession): void {
    if (this.drain.done) {
      handle?.close();
      this.link.sendNow({ type: "refused", seq });
      return;
    }
    this.link.send({ type: "accepted", seq });
    if (handle) this.adopt(session, handle);
  }

  /** Takes over a session that moves here, at this worker's Socket.IO server of the same scope. */
  private adopt(session: MovedSession, handle: Handle | undefined): void {
    const io = [...this.sioServers].find((server) => this.link.scopes.isOf(server, session.scope));
    if (!io || handoverIsOff()) {
      handle?.close();
      this.link.send({ type: "adopted", sid: session.sid, ok: false });
      return;
    }
    const [engine] =
      [...this.engines].find(([, each]) => each.io === io && each.server.listener === session.listener) ?? [];
    void adoptSession(
      session,
      handle,
      io,
      engine ?? io.engine,
      this.link,
      this.sessions,
      this.whereabouts,
      (socket) => this.connections.addUpgraded(socket),
    );
  }

  private onChange(): void {
    if (this.isLoadScheduled) return;
    this.isLoadScheduled = true;
    this.link.clock.nextTurn(() => {
      this.isLoadScheduled = false;
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

  /**
   * A request was forwarded. Such requests are only counted for a while: they are not worth a message each.
   */
  private onForwarded(): void {
    this.forwardedTimer ??= this.link.clock.after(FORWARDED_REPORT_MS, () => {
      this.forwardedTimer = undefined;
      this.onChange();
    });
  }

  /**
   * Whether a request that another worker has passed on has no other purpose than to hurry an open poll (see
   * `takeHurry`). The poll is answered in either case.
   */
  private hurries(req: IncomingMessage, res: ServerResponse): boolean {
    const hurry = takeHurry(req);
    const id = hurry && sessionIdOf(req.url ?? "");
    const answer = () => {
      const conn = id === undefined ? undefined : this.sessions.find(id);
      if (conn) answerPoll(conn);
    };
    if (hurry === "instead of it") {
      answer();
      res.end();
    } else if (id !== undefined) {
      // This may be the poll itself, which has yet to become the session's open poll: the session may still
      // be on its way here, or the app may look at the request first. So it is tried until the request is
      // answered.
      const timer = this.link.clock.every(HURRY_INTERVAL_MS, answer);
      res.once("close", () => clearInterval(timer));
    }
    return hurry === "instead of it";
  }

  /**
   * Looks at an event of a server before the app does. Returns whether to keep it from the app; `pass` lets
   * it through later.
   */
  private intercepts(server: ServedServer, event: string, args: unknown[], pass: () => void): boolean {
    switch (event) {
      case "request":
      case "checkContinue":
      case "checkExpectation": {
        const [req, res] = args as [IncomingMessage, ServerResponse];
        if (this.connections.isOfPeer(req.socket))
          return this.interceptsOfPeer(server, event, req, res, pass);
        if (this.drain.running) res.once("close", () => this.onChange());
        if (event !== "request") return false;
        const isDiverted = this.router.divertRequest(req, res, server, false, pass);
        if (isDiverted) this.onForwarded();
        return isDiverted;
      }
      case "upgrade": {
        const [req, socket, head] = args as [IncomingMessage, Socket, Buffer];
        this.connections.upgraded(socket);
        return this.router.divertUpgrade(req, socket, head, server, pass);
      }
      default:
        return false;
    }
  }

  /** The same for a request that another worker has passed on. */
  private interceptsOfPeer(
    server: ServedServer,
    event: string,
    req: IncomingMessage,
    res: ServerResponse,
    pass: () => void,
  ): boolean {
    adoptClient(req);
    if (this.hurries(req, res)) return true;
    this.connections.answersToPeers.add(res);
    this.drain.heardFromPeer();
    res.once("close", () => {
      this.connections.answersToPeers.delete(res);
      if (this.drain.running) this.onChange();
    });
    return event === "request" && this.router.divertRequest(req, res, server, true, pass);
  }
}

/** There is one per process, also if several copies of this package are loaded. */
const SERVED_WORKER = Symbol.for("pm2-socket.io/served-worker");

/**
 * What this process is to its primary; made when it is asked for the first time.
 *
 * @param caller which function of ours needs it, for the error's text
 * @throws StickyError `STICKY_NOT_WORKER` outside a cluster worker
 */
export function servedWorker(caller: string): ServedWorker {
  const linkToPrimary = link();
  if (!linkToPrimary) throw new StickyError("STICKY_NOT_WORKER", caller);
  const holder = process as unknown as Record<symbol, ServedWorker | undefined>;
  holder[SERVED_WORKER] ??= new ServedWorker(linkToPrimary);
  return holder[SERVED_WORKER];
}

/** The path of a Socket.IO server, as the requests of its clients begin. */
function pathOf(io: SocketIoServer): string {
  return (io.path?.() ?? "/socket.io").replace(/\/$/, "");
}

/**
 * A key for an address: two servers of one worker cannot both have addresses with the same key. `undefined`
 * for any port, which any number of servers may ask for.
 */
function keyOf({ port, host, path }: ListenAddress): string | undefined {
  if (path !== undefined) return path;
  return port === 0 ? undefined : JSON.stringify([port, host]);
}
