// SPDX-License-Identifier: MIT
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Peer } from "../../protocol/messages";
import { sessionIdOf } from "../../protocol/session-id";
import { FORWARD_RETRY_MS } from "../../protocol/timing";
import type { WorkerLink } from "../link/link";
import { forward } from "./forward";
import type { Whereabouts } from "./whereabouts";

const MAX_ATTEMPTS = 5;

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
   * @param fromPeer another worker sent it here
   */
  divertRequest(req: IncomingMessage, res: ServerResponse, fromPeer: boolean, local: () => void): boolean {
    const sessionId = sessionIdOf(req.url ?? "");
    if (sessionId !== undefined) {
      return this.divert(req, sessionId, !fromPeer, local, (peer) =>
        this.forwardToOwner(req, res, sessionId, peer, local),
      );
    }
    const { ready } = this.whereabouts;
    const peer = this.draining && !fromPeer ? ready[this.turn++ % ready.length] : undefined;
    if (!peer) return false;
    this.forwardTo(req, res, peer, local);
    return true;
  }

  /** The same for an upgrade, which goes to its owner by way of the primary, socket and all. */
  divertUpgrade(req: IncomingMessage, socket: Socket, head: Buffer, local: () => void): boolean {
    const sessionId = sessionIdOf(req.url ?? "");
    const giveBack = () => {
      this.forwarded++;
      this.link.giveBack(socket, Buffer.concat([headOf(req), head]));
    };
    if (sessionId !== undefined) return this.divert(req, sessionId, true, local, giveBack);
    if (this.draining) giveBack();
    return this.draining;
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
    sessionId: string,
    peer: Peer,
    local: () => void,
    attempt = 1,
  ): void {
    this.forwardTo(req, res, peer, () => {
      if (attempt >= MAX_ATTEMPTS) return local();
      this.link.clock.after(FORWARD_RETRY_MS, () => {
        const again = (next: Peer) => this.forwardToOwner(req, res, sessionId, next, local, attempt + 1);
        if (!this.divert(req, sessionId, false, local, again)) local();
      });
    });
  }

  private forwardTo(req: IncomingMessage, res: ServerResponse, peer: Peer, local: () => void): void {
    this.forwarded++;
    forward(req, res, peer.address, local);
  }
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
