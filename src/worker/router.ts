// SPDX-License-Identifier: MIT
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Peer } from "../protocol/messages";
import { type Seat, seatOfSessionId, sessionIdOf } from "../protocol/session-id";
import { forward } from "./forward";
import type { WorkerLink } from "./link";
import type { Sessions } from "./sessions";

/** The primary answers at once; a request does not wait longer to learn whose it is. */
const WHOSE_TIMEOUT_MS = 2000;

/**
 * Where a request belongs that came in on one of this worker's connections: here, or, because a kept-alive connection
 * carries the requests of several sessions or this worker is draining, at another worker.
 */
export class Router {
  private peers = new Map<Seat, Peer>();
  private ready: Peer[] = [];
  private turn = 0;
  private readonly questions = new Map<number, (seat: Seat | undefined) => void>();
  private nextSeq = 1;
  /** Sessions that are moving here: their requests wait. */
  private readonly held = new Map<string, Promise<void>>();
  /** Sessions that have moved, or are moving, away. */
  private readonly left = new Map<string, Promise<Peer | undefined>>();
  private readonly leaving = new Map<string, (peer: Peer | undefined) => void>();
  draining = false;
  /** How many requests went to another worker. */
  forwarded = 0;

  constructor(
    private readonly link: WorkerLink,
    private readonly sessions: Sessions,
  ) {
    link.on("peers", ({ peers }) => {
      this.peers = new Map(peers.map((peer) => [peer.seat, peer]));
      this.ready = peers.filter((peer) => peer.ready && peer.seat !== link.seat);
    });
    link.on("moved", ({ sid, seat }) => {
      this.leaving.get(sid)?.(seat === undefined ? undefined : this.peers.get(seat));
      this.leaving.delete(sid);
    });
    link.on("owner", ({ seq, seat }) => this.answer(seq, seat));
  }

  /** Whether another worker takes new sessions. */
  get hasReadyPeer(): boolean {
    return this.ready.length > 0;
  }

  /** The session moves here: its requests wait until the returned function is called. */
  hold(sid: string): () => void {
    let release = () => {};
    this.left.delete(sid);
    this.held.set(
      sid,
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    return () => {
      this.held.delete(sid);
      release();
    };
  }

  /** The session moves away: its requests follow it as soon as it is known where to. */
  leave(sid: string): void {
    this.sessions.forget(sid);
    this.left.set(sid, new Promise((resolve) => this.leaving.set(sid, resolve)));
  }

  /** Where a request of a session that moves has to wait for; `undefined` for all others. */
  private inMotion(sid: string): Promise<Peer | undefined> | undefined {
    return this.left.get(sid) ?? this.held.get(sid)?.then(() => undefined);
  }

  /** A request from a peer: it is for this worker, but its session may still be on its way. */
  awaitSession(req: IncomingMessage, local: () => void): boolean {
    const sessionId = sessionIdOf(req.url ?? "");
    const arrival = sessionId === undefined ? undefined : this.held.get(sessionId);
    if (!arrival) return false;
    arrival.then(local);
    return true;
  }

  /** Whether the request is somebody else's; if so it is on its way there. `local` serves it here after all. */
  divertRequest(req: IncomingMessage, res: ServerResponse, local: () => void): boolean {
    const sessionId = sessionIdOf(req.url ?? "");
    if (sessionId === undefined) {
      const peer = this.draining ? this.ready[this.turn++ % this.ready.length] : undefined;
      if (!peer) return false;
      this.pass(req, res, peer, local);
      return true;
    }
    const motion = this.inMotion(sessionId);
    if (motion) {
      motion.then((peer) => (peer ? this.pass(req, res, peer, local) : local()));
      return true;
    }
    const owner = this.ownerOf(sessionId);
    if (owner === "here") return false;
    if (owner !== "unknown") {
      this.pass(req, res, owner, local);
      return true;
    }
    if (!isEngineRequest(req)) return false;
    this.ask(sessionId, (peer) => {
      if (peer) this.pass(req, res, peer, local);
      else local();
    });
    return true;
  }

  /** The same for an upgrade, which goes to its owner by way of the primary, socket and all. */
  divertUpgrade(req: IncomingMessage, socket: Socket, head: Buffer, local: () => void): boolean {
    const sessionId = sessionIdOf(req.url ?? "");
    const giveBack = () => {
      this.forwarded++;
      this.link.giveBack(socket, Buffer.concat([headOf(req), head]));
    };
    if (sessionId === undefined) {
      if (!this.draining) return false;
      giveBack();
      return true;
    }
    const motion = this.inMotion(sessionId);
    if (motion) {
      motion.then((peer) => (peer ? giveBack() : local()));
      return true;
    }
    const owner = this.ownerOf(sessionId);
    if (owner === "here") return false;
    if (owner !== "unknown") {
      giveBack();
      return true;
    }
    if (!isEngineRequest(req)) return false;
    this.ask(sessionId, (peer) => {
      if (peer) giveBack();
      else local();
    });
    return true;
  }

  private ownerOf(sessionId: string): Peer | "here" | "unknown" {
    if (this.sessions.hasClaimed(sessionId)) return "here";
    const seat = seatOfSessionId(sessionId);
    if (seat === undefined) return "unknown";
    if (seat === this.link.seat) return "here";
    return this.peers.get(seat) ?? "unknown";
  }

  private pass(req: IncomingMessage, res: ServerResponse, peer: Peer, local: () => void): void {
    this.forwarded++;
    forward(req, res, peer.address, local);
  }

  /** Asks the primary for the owner of an id that does not name one. */
  private ask(id: string, then: (owner: Peer | undefined) => void): void {
    const seq = this.nextSeq++;
    const timer = setTimeout(() => this.answer(seq, undefined), WHOSE_TIMEOUT_MS);
    this.questions.set(seq, (seat) => {
      clearTimeout(timer);
      // If it is this worker, the session is on its way here: that was said before the answer.
      const arrival = seat === this.link.seat ? this.held.get(id) : undefined;
      if (arrival) arrival.then(() => then(undefined));
      else then(seat === undefined || seat === this.link.seat ? undefined : this.peers.get(seat));
    });
    this.link.send({ type: "whose", seq, id });
  }

  private answer(seq: number, seat: Seat | undefined): void {
    const then = this.questions.get(seq);
    this.questions.delete(seq);
    then?.(seat);
  }
}

/** A `sid` parameter of the app's own is nobody's session. */
function isEngineRequest(req: IncomingMessage): boolean {
  return /[?&](EIO|transport)=/.test(req.url ?? "");
}

/** The head of a request as it came, for somebody who has not read it. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return Buffer.from(`${head}\r\n`, "latin1");
}
