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

/** One of this worker's servers, as far as it matters whose a request is. */
export interface LocalServer {
  readonly number: ServerNumber;
  /** The listener whose connections it gets; servers of other workers with the same one do the same work. */
  readonly listener: number | undefined;
  /** Where Socket.IO answers. */
  readonly paths: ReadonlySet<string>;
}

/**
 * Sends on what does not belong here: a kept-alive connection carries the requests of several sessions, a session may
 * have moved, and a worker that drains takes nothing new.
 */
export class Router {
  private turn = 0;
  draining = false;
  /** How many requests went to another worker. */
  forwarded = 0;

  constructor(
    private readonly link: WorkerLink,
    private readonly whereabouts: Whereabouts,
  ) {}

  /**
   * Whether the request is somebody else's; if so it is on its way there. `local` serves it here after all.
   *
   * @param server the server that it came to
   * @param fromPeer another worker sent it here
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

  /** Servers of other workers that should have a request without a session: all, if this worker gives up what it has. */
  private betterFor(req: IncomingMessage, { listener, paths }: LocalServer): PeerServer[] {
    const path = enginePathOf(req.url ?? "");
    const isForSocketIo = path !== undefined && !answersAt(paths, path);
    if (!this.draining && !isForSocketIo) return [];
    const alike = this.whereabouts.ready
      .flatMap(({ servers }) => servers)
      .filter((server) => listener !== undefined && server.listener === listener);
    const able = path === undefined ? [] : alike.filter((server) => answersAt(server.paths, path));
    // Where nobody has Socket.IO, anybody may say so; here, unless this worker ends.
    if (able.length > 0) return able;
    return this.draining ? alike : [];
  }

  /** The same for an upgrade, which goes to its owner by way of the primary, socket and all. */
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

  /** If the worker is gone, the session may have moved on: the primary knows. */
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

/** The server of another worker that does the same work; if it has none, as with a port for each worker, any with Socket.IO. */
function addressAt({ servers }: Peer, { listener }: LocalServer): string {
  const same = servers.find((server) => server.listener === listener);
  return (same ?? servers.find(({ paths }) => paths.length > 0) ?? servers[0]!).address;
}

function answersAt(paths: Iterable<string>, path: string): boolean {
  for (const each of paths) if (path.startsWith(each)) return true;
  return false;
}

/** Engine.IO's requests name their protocol version and transport. */
function isEngineRequest(req: IncomingMessage): boolean {
  return /[?&](EIO|transport)=/.test(req.url ?? "");
}

/** The head of a request as it came, for somebody who has not read it. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return Buffer.from(`${head}\r\n`, "latin1");
}
