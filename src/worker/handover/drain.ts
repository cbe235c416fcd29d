// SPDX-License-Identifier: MIT
import type { Socket } from "node:net";
import { openAnswer } from "../../node-internals";
import { LINGER_MS } from "../../protocol/timing";
import type { Connections } from "../http/connections";
import { hurryForwarded } from "../http/forward";
import type { Router } from "../http/router";
import type { Sessions } from "../http/sessions";
import type { Whereabouts } from "../http/whereabouts";
import type { WorkerLink } from "../link/link";
import type { EngineSocket } from "../socket-io/objects";
import { type Departed, giveUpSession } from "./give-up";
import { MoveTurns } from "./move-turns";

/** How many sessions are on their way at the same time: enough to keep all processes busy, few enough to be quick. */
const AT_ONCE = 16;
/**
 * Sessions that cannot be moved are closed in steps, so that their clients do not come back all at once: at this pace,
 * or faster if that would take more than this part of the time there is.
 */
const CLOSE_INTERVAL_MS = 20;
const CLOSES_PER_STEP = 10;
const PART_OF_TIME = 0.8;

/** How sessions are to be given up; from the primary's `drain` or `shed`. */
export interface HandoverTerms {
  /** Whether they may go to other workers. */
  moves: boolean;
  /** How long one may take until it owes and awaits no acknowledgement. */
  ackTimeoutMs: number;
}

/**
 * Giving up what a worker has, without a client losing a request: connections between two requests go back to the
 * primary, open requests are answered, sessions go to other workers, or are closed so that their clients come back.
 *
 *     idle ──start()──▶ running ──no session, no connection, no request, for a while──▶ done ("drained")
 */
export class Drain {
  private leaving = 0;
  private readonly turns = new MoveTurns(AT_ONCE);
  /** Set once the drain has begun. */
  private terms: HandoverTerms | undefined;
  private endMs = 0;
  /** Since when nothing has come from other workers, nor gone to them. */
  private quietSinceMs = 0;
  private lingering: NodeJS.Timeout | undefined;
  /** Sessions that could not go to another worker. */
  closed = 0;
  private state: "idle" | "running" | "done" = "idle";

  constructor(
    private readonly link: WorkerLink,
    private readonly sessions: Sessions,
    private readonly connections: Connections,
    private readonly router: Router,
    private readonly whereabouts: Whereabouts,
  ) {}

  get running(): boolean {
    return this.state === "running";
  }

  get done(): boolean {
    return this.state === "done";
  }

  start(terms: HandoverTerms, withinMs: number): void {
    if (this.state !== "idle") return;
    this.state = "running";
    this.router.draining = true;
    this.terms = terms;
    this.quietSinceMs = this.link.clock.now();
    this.endMs = this.link.clock.now() + withinMs;
    hurryForwarded();
    for (const socket of this.connections.public) openAnswer(socket)?.once("close", () => this.check());
    void this.giveUpOrClose(this.live(), terms);
    this.check();
  }

  /** Gives so many sessions to other workers, without a drain. */
  async shed(count: number, terms: HandoverTerms): Promise<void> {
    await this.giveUp(this.live().slice(0, count), terms);
  }

  /** A session came. If its handshake was under way when the drain began, it goes the way of the others. */
  opened(socket: EngineSocket): void {
    if (this.terms) void this.giveUpOrClose([socket as unknown as EngineSocket], this.terms);
  }

  private async giveUpOrClose(all: EngineSocket[], terms: HandoverTerms): Promise<void> {
    const left = terms.moves && this.whereabouts.canMove ? await this.giveUp(all, terms) : all;
    const steps = Math.max(1, ((this.endMs - this.link.clock.now()) * PART_OF_TIME) / CLOSE_INTERVAL_MS);
    const perStep = Math.max(CLOSES_PER_STEP, Math.ceil(left.length / steps));
    while (left.length > 0) {
      for (const conn of left.splice(0, perStep)) this.close(conn, false);
      if (left.length > 0) await this.link.clock.wait(CLOSE_INTERVAL_MS);
    }
  }

  /** @param discard whether what waits to be written is lost anyway */
  private close(conn: EngineSocket, discard: boolean): void {
    if (conn.readyState === "open") this.closed++;
    conn.close(discard);
  }

  private live(): EngineSocket[] {
    return [...this.sessions.all()] as unknown as EngineSocket[];
  }

  /** Moves live sessions to other workers; returns those that cannot be moved. */
  private async giveUp(
    conns: readonly EngineSocket[],
    { ackTimeoutMs }: HandoverTerms,
  ): Promise<EngineSocket[]> {
    const connectBy = this.link.clock.now() + ackTimeoutMs;
    const { link, whereabouts, turns } = this;
    const left: EngineSocket[] = [];
    const giveUpOne = async (conn: EngineSocket) => {
      const giving = giveUpSession(conn, link, whereabouts, turns, ackTimeoutMs, connectBy);
      const outcome = await giving.catch(() => "parted" as const);
      if (outcome === "stays") left.push(conn);
      else if (outcome === "parted") this.close(conn, true);
      else this.follow(outcome);
      this.check();
    };
    await Promise.all(conns.map(giveUpOne));
    return left;
  }

  /** The drain is not done before another worker has the session. */
  private follow({ sid, socket, settled }: Departed): void {
    if (socket) this.letGo(socket, (sent) => this.link.moveSocket(sid, socket, sent));
    this.leaving++;
    void settled.then(() => {
      this.leaving--;
      this.quietSinceMs = this.link.clock.now();
      this.check();
    });
  }

  /** Goes on with the drain after something has ended. */
  check(): void {
    if (this.state !== "running") return;
    this.giveBackIdle();
    if (this.sessions.count > 0 || this.connections.public.size > 0) return;
    if (this.connections.answersToPeers.size > 0 || this.leaving > 0) return;
    if (this.lingers()) return;
    this.state = "done";
    this.link.send({ type: "drained" });
  }

  /** Other workers may have sent a request here before they could know better. */
  private lingers(): boolean {
    const restMs = this.quietSinceMs + LINGER_MS - this.link.clock.now();
    if (restMs <= 0) return false;
    this.lingering ??= this.link.clock.after(restMs, () => {
      this.lingering = undefined;
      this.check();
    });
    return true;
  }

  /** A request came from another worker. */
  heardFromPeer(): void {
    this.quietSinceMs = this.link.clock.now();
  }

  /** Gives back the connections on which no request is under way. */
  giveBackIdle(): void {
    if (!process.connected) return;
    for (const socket of this.connections.idle()) {
      // A listener for data makes the HTTP parser let go of the handle, so that the socket can be sent.
      socket.on("data", () => {});
      const server = this.connections.serverOf(socket);
      this.letGo(socket, (sent) => this.link.giveBack(socket, server, Buffer.alloc(0), sent));
    }
  }

  /** The connection is not ours any more; the drain is not done before it has left the process. */
  private letGo(socket: Socket, send: (sent: () => void) => void): void {
    this.connections.remove(socket);
    this.leaving++;
    // It may have to wait for its turn, and the HTTP server takes it for an idle connection all the while.
    socket.destroy = () => socket;
    send(() => {
      Reflect.deleteProperty(socket, "destroy");
      this.leaving--;
      this.check();
    });
  }
}
