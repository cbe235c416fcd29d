// SPDX-License-Identifier: MIT
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Peer, PeerServer, ServerNumber } from "../../protocol/messages";
import { enginePathOf, sessionIdOf } from "../../protocol/session-id";
import { FORWARD_RETRY_MS } from "../../protocol/timing";
import type { WorkerLink } from "../link/link";
import { forward } from "./forward";
import type { Whereabouts } from "./whereabouts";

const MAX_ATTEMPTS = 5;

/** One of this worker's HTTP servers, as far as the router needs to know it. */
export interface LocalServer {
  readonly number: ServerNumber;
  /**
   * The primary's number for the public address that its connections come from, once that is open. Servers of
   * other workers with the same number serve the same clients.
   */
  readonly listener: number | undefined;
  /** The paths at which Socket.IO is attached. */
  readonly paths: ReadonlySet<string>;
}

/**
 * Sends on the requests that do not belong to this worker. There are three reasons for such requests: a
 * kept-alive connection (of a proxy, say) carries the requests of several sessions; a session has moved since
 * its connection was opened; or this worker drains and takes nothing new.
 */
export class Router {
  private turn = 0;
  draining = false;
  forwarded = 0;

  constructor(
    private readonly link: WorkerLink,
    private readonly whereabouts: Whereabouts,
  ) {}

  /**
   * Returns whether the request belongs to another worker; it is on its way there then. If that turns out to
   * be impossible, `local` is called to let the app here answer it.
   *
   * @param server the server that the request came to
   * @param fromPeer whether another worker has sent it here
   */
  divertRequest(
    req: IncomingMessage,
    res: ServerResponse,
    server: LocalServer,
    fromPeer: boolean,
    local: () => void,
  ): boolean {
    const sessionId = sessionIdOf(req.url ?? "");
    if (sessionId !== undefined) {
      return this.divert(req, sessionId, !fromPeer, local, (peer) =>
        this.forwardToOwner(req, res, server, sessionId, peer, local),
      );
    }
    const others = fromPeer ? [] : this.betterFor(req, server);
    const other = others[this.turn++ % others.length];
    if (!other) return false;
    this.forwardTo(req, res, other.address, local);
    return true;
  }

  /**
   * The servers of other workers that should get a request which has no session. While this worker drains,
   * that is any server of the same address, preferably one with Socket.IO at the request's path. Otherwise it
   * is only asked for when Socket.IO is attached at that path there, but not here: it may be attached late,
   * by the first request to a route, say.
   */
  private betterFor(req: IncomingMessage, { listener, paths }: LocalServer): PeerServer[] {
    const path = enginePathOf(req.url ?? "");
    const isForSocketIo = path !== undefined && !answersAt(paths, path);
    if (!this.draining && !isForSocketIo) return [];
    const alike = this.whereabouts.ready
      .flatMap(({ servers }) => servers)
      .filter((server) => listener !== undefined && server.listener === listener);
    const able = path === undefined ? [] : alike.filter((server) => answersAt(server.paths, path));
    // If no worker has Socket.IO at this path, any worker can answer that; this one does, unless it drains.
    if (able.length > 0) return able;
    return this.draining ? alike : [];
  }

  /**
   * The same for an upgrade to WebSocket. It cannot be forwarded as a request: it goes back to the primary
   * together with its socket, and from there to its owner.
   */
  divertUpgrade(
    req: IncomingMessage,
    socket: Socket,
    head: Buffer,
    server: LocalServer,
    local: () => void,
  ): boolean {
    const sessionId = sessionIdOf(req.url ?? "");
    const giveBack = () => {
      this.forwarded++;
      this.link.giveBack(socket, server.number, Buffer.concat([headOf(req), head]));
    };
    if (sessionId !== undefined) return this.divert(req, sessionId, true, local, giveBack);
    const isBetterElsewhere = this.draining || this.betterFor(req, server).length > 0;
    if (isBetterElsewhere) giveBack();
    return isBetterElsewhere;
  }

  private divert(
    req: IncomingMessage,
    sessionId: string,
    trustsId: boolean,
    local: () => void,
    away: (peer: Peer) => void,
  ): boolean {
    const place = this.whereabouts.locate(sessionId, trustsId, isEngineRequest(req));
    if (place === "here") return false;
    if (place instanceof Promise) place.then((peer) => (peer ? away(peer) : local()));
    else away(place);
    return true;
  }

  /**
   * Forwards a request to the worker that has its session. A worker that cannot be reached is exiting, and
   * its session may have moved on; after a moment the primary knows where to, and is asked.
   */
  private forwardToOwner(
    req: IncomingMessage,
    res: ServerResponse,
    server: LocalServer,
    sessionId: string,
    peer: Peer,
    local: () => void,
    attempt = 1,
  ): void {
    this.forwardTo(req, res, addressAt(peer, server), () => {
      if (attempt >= MAX_ATTEMPTS) return local();
      this.link.clock.after(FORWARD_RETRY_MS, () => {
        const again = (next: Peer) =>
          this.forwardToOwner(req, res, server, sessionId, next, local, attempt + 1);
        if (!this.divert(req, sessionId, false, local, again)) local();
      });
    });
  }

  private forwardTo(req: IncomingMessage, res: ServerResponse, address: string, local: () => void): void {
    this.forwarded++;
    forward(req, res, address, local);
  }
}

/**
 * The private address of the other worker's server for the same public address. There is none if each worker
 * has a port of its own; then any of its servers with Socket.IO will do.
 */
function addressAt({ servers }: Peer, { listener }: LocalServer): string {
  const same = servers.find((server) => server.listener === listener);
  return (same ?? servers.find(({ paths }) => paths.length > 0) ?? servers[0]!).address;
}

function answersAt(paths: Iterable<string>, path: string): boolean {
  for (const each of paths) if (path.startsWith(each)) return true;
  return false;
}

/** Whether the request is one of Engine.IO's, which name their protocol version or transport. */
function isEngineRequest(req: IncomingMessage): boolean {
  return /[?&](EIO|transport)=/.test(req.url ?? "");
}

/** The head of a request as text once more, for the next process, which has to parse it again. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return Buffer.from(`${head}\r\n`, "latin1");
}
