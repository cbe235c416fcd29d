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

/**
 * How many sessions are on their way to other workers at the same time. More of them keep all processes busy;
 * fewer of them mean that each client is without a server for a shorter time. The row `bench/rows/reload.ts`
 * measures both.
 */
const AT_ONCE = 16;
/**
 * Sessions that cannot be moved are closed in steps, so that their clients do not all reconnect at once: this
 * many at this interval, or more if it would otherwise take longer than this part of the time that the drain
 * may take.
 */
const CLOSE_INTERVAL_MS = 20;
const CLOSES_PER_STEP = 10;
const PART_OF_TIME = 0.8;

/**
 * How sessions are to be given up. The primary says so when it asks for a `drain`, or to `shed` some
 * sessions.
 */
export interface HandoverTerms {
  /** Whether they may go to other workers. */
  moves: boolean;
  /** How long a session may wait until no acknowledgement is open, neither of the client nor of the app. */
  ackTimeoutMs: number;
}

/**
 * Gives up what a worker has before it ends, in such a way that no client loses a request. Connections on
 * which no request is under way go back to the primary. Open requests are answered. Sessions go to other
 * workers; those that cannot are closed, so that their clients reconnect elsewhere.
 *
 *     idle ──start()──▶ running ──no session, no connection, no request, for a while──▶ done ("drained")
 */
export class Drain {
  private leaving = 0;
  private readonly turns = new MoveTurns(AT_ONCE);
  /** Set when the drain begins. */
  private terms: HandoverTerms | undefined;
  private endMs = 0;
  /** When a request last came from another worker, or a session last settled at one. */
  private quietSinceMs = 0;
  private lingering: NodeJS.Timeout | undefined;
  /** How many sessions were closed because they could not go to another worker. */
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

  /**
   * Gives this many sessions to other workers, while this worker goes on working. Those that cannot be moved
   * stay.
   */
  async shed(count: number, terms: HandoverTerms): Promise<void> {
    if (terms.moves && this.whereabouts.canMove) await this.giveUp(this.live().slice(0, count), terms);
  }

  /**
   * A session was opened. Its handshake may have been under way when the drain began; then it is given up
   * like the others.
   */
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

  /**
   * Closes a session for good.
   *
   * @param discard whether to drop what is still to be written, instead of waiting until it is out
   */
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

  /**
   * Lets the session's connection go, and keeps the drain open until another worker has the session, or it is
   * lost.
   */
  private follow({ sid, socket, settled }: Departed): void {
    if (socket) this.letGo(socket, (sent) => this.link.moveSocket(sid, socket, sent));
    this.leaving++;
    void settled.then(() => {
      this.leaving--;
      this.quietSinceMs = this.link.clock.now();
      this.check();
    });
  }

  /** Called whenever a session, connection or request has ended: ends the drain if that was the last one. */
  check(): void {
    if (this.state !== "running") return;
    this.giveBackIdle();
    if (this.sessions.count > 0 || this.connections.public.size > 0) return;
    if (this.connections.answersToPeers.size > 0 || this.leaving > 0) return;
    if (this.lingers()) return;
    this.state = "done";
    this.link.send({ type: "drained" });
  }

  /**
   * Whether it is too early to end. Another worker may just have sent a request here, because it did not know
   * yet that the session has moved. Such a request arrives within `LINGER_MS`, and this worker then sends it
   * on.
   */
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

  /** Gives back to the primary the connections on which no request is under way. */
  giveBackIdle(): void {
    if (!process.connected) return;
    for (const socket of this.connections.idle()) {
      // While the HTTP parser reads from the handle directly, the socket cannot be sent. A listener for data
      // ends that.
      socket.on("data", () => {});
      const server = this.connections.serverOf(socket);
      this.letGo(socket, (sent) => this.link.giveBack(socket, server, Buffer.alloc(0), sent));
    }
  }

  /** Sends a connection away. The drain is not done before it has left the process. */
  private letGo(socket: Socket, send: (sent: () => void) => void): void {
    this.connections.remove(socket);
    this.leaving++;
    // Node sends one handle at a time, so this one may have to wait. Meanwhile the HTTP server takes the
    // connection for an idle one and might destroy it.
    socket.destroy = () => socket;
    send(() => {
      Reflect.deleteProperty(socket, "destroy");
      this.leaving--;
      this.check();
    });
  }
}
