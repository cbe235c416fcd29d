// SPDX-License-Identifier: MIT
import type { Socket } from "node:net";
import type { Clock } from "../clock";
import type { AppOptions, BalancingMethod } from "../config";
import { debug, type Log } from "../log";
import type { ServerNumber } from "../protocol/messages";
import { AgedSet } from "./connections/aged-set";
import { type Arrival, Arrivals, type PublicArrival, refuse } from "./connections/arrival";
import { Balancer } from "./connections/balancer";
import type { Claim, Place } from "./connections/place";
import type { WorkerHandle } from "./workers/worker-handle";

/** A public address, with the servers of workers that get its connections. */
export type AppPlace = Place<WorkerHandle>;
type Waiting = PublicArrival<AppPlace>;
/** The server that is to get a connection. */
type Target = Pick<Claim<WorkerHandle>, "worker" | "server">;

/** A connection that so many workers did not take is closed. */
const MAX_ATTEMPTS = 5;
/**
 * How long a request with an unknown session id is held back, so that a worker can claim the id;
 * see `mayBeClaimedSoon`.
 */
const CLAIM_DELAY_MS = 50;

/** What routing needs of its app. */
export interface RoutedApp {
  readonly name: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly workers: Iterable<WorkerHandle>;
  /**
   * The worker that has a session. It may be a worker of another app, if that has the address together with this one:
   * an app that is being renamed has workers of both names.
   */
  ownerAt(place: AppPlace, sessionId: string): WorkerHandle | undefined;
  /**
   * The servers that asked for an address, as lists in order of preference: first those of this app, then, if other
   * apps have the address as well, those of all. The first list with a server in service counts.
   */
  claimsAt(place: AppPlace): readonly Claim<WorkerHandle>[][];
}

/**
 * The way of a connection from the public to a worker of one app:
 *
 *     accept() ──its request line is there──▶ route() ──a worker is in service──▶ offered to it ──not taken──▶ route()
 *                                               └──none is──▶ waiting ──one is ready──▶ route()
 *                                                                └──queueTimeout, the address is closed──▶ 503
 */
export class Routing {
  private balancer: Balancer;
  private arrivals: Arrivals<AppPlace>;
  private waiting: AgedSet<Waiting>;

  constructor(
    private readonly app: RoutedApp,
    private options: AppOptions,
  ) {
    this.balancer = new Balancer(options.method);
    this.arrivals = this.createArrivals();
    this.waiting = this.createWaiting();
  }

  /** Replaces the options. For connections whose request line is being read, the former ones hold. */
  configure(options: AppOptions): void {
    this.options = options;
    this.balancer = new Balancer(options.method);
    this.arrivals = this.createArrivals();
    const waiting = this.waiting.clear();
    this.waiting = this.createWaiting();
    for (const arrival of waiting) this.waiting.add(arrival);
  }

  get method(): BalancingMethod {
    return this.balancer.method;
  }

  /** How many connections have no worker yet: those whose request line has not arrived, and those that wait for one. */
  get counts(): { pending: number; waiting: number } {
    return { pending: this.arrivals.size, waiting: this.waiting.size };
  }

  /** A fresh connection to a public address. */
  accept(socket: Socket, place: AppPlace): void {
    this.arrivals.add(socket, place);
  }

  /** A worker gives a connection back, between two requests, with what it has read of the next one. */
  takeBack(socket: Socket, place: AppPlace, bytes: Buffer): void {
    this.arrivals.takeBack(socket, place, bytes);
  }

  /** A worker did not take a connection, so another one gets it. */
  returned(arrival: Arrival | Waiting): void {
    arrival.attempts++;
    if (arrival.attempts < MAX_ATTEMPTS && "place" in arrival) this.route(arrival);
    else arrival.socket.destroy();
  }

  /** A worker may have come into service: looks whether there is one now for connections that wait. */
  serveWaiting(): void {
    for (const arrival of this.waiting.values()) {
      if (this.ableFor(arrival).length === 0) continue;
      this.waiting.delete(arrival);
      this.route(arrival);
    }
  }

  /** An address was closed: nobody will serve the connections that wait for a worker there. */
  closed(place: AppPlace): void {
    for (const arrival of this.waiting.values()) {
      if (arrival.place !== place) continue;
      this.waiting.delete(arrival);
      refuse(arrival.socket, 503);
    }
  }

  close(): void {
    this.arrivals.close();
    for (const { socket } of this.waiting.clear()) refuse(socket, 503);
  }

  private route(arrival: Waiting): void {
    const { place, sessionId } = arrival;
    const owner = sessionId === undefined ? undefined : this.app.ownerAt(place, sessionId);
    if (sessionId !== undefined && !owner && this.mayBeClaimedSoon(arrival)) return;
    const target = owner?.servesItsSessions ? serverOf(place, owner) : this.pick(arrival);
    if (debug.enabled) {
      const whose = sessionId === undefined ? "no session" : `session ${sessionId}`;
      debug("%s: a request of %s goes to %s", this.app.name, whose, target?.worker.name ?? "nobody yet");
    }
    if (target) {
      target.worker.offer(arrival, target.server);
      return;
    }
    this.waiting.add(arrival);
    if (this.waiting.size > this.options.maxPending) {
      const oldest = this.waiting.shift();
      if (oldest) refuse(oldest.socket, 503);
    }
  }

  /** Has the balancer choose among the servers that can take a connection. */
  private pick(arrival: Waiting): Target | undefined {
    const able = this.ableFor(arrival);
    const worker = this.balancer.pick(able.map((claim) => claim.worker));
    return able.find((claim) => claim.worker === worker);
  }

  /**
   * The servers that can take a connection: those that asked for its address and are in service. For an Engine.IO
   * request they are only those with Socket.IO at its path, unless there are none: an app may attach Socket.IO when the
   * first such request comes.
   */
  private ableFor({ place, enginePath }: Waiting): Claim<WorkerHandle>[] {
    let able: Claim<WorkerHandle>[] = [];
    for (const claims of this.app.claimsAt(place)) {
      able = inService(claims);
      if (able.length > 0) break;
    }
    if (enginePath === undefined) return able;
    const attached = able.filter(({ worker, server }) => answersAt(worker, server, enginePath));
    return attached.length > 0 ? attached : able;
  }

  /**
   * Bundled copies of the official packages announce a new session without waiting for an answer, so that the next
   * request of its client may get here before the announcement. Returns true if that is possible; the request is then
   * routed a little later. That happens once: it counts as an attempt.
   */
  private mayBeClaimedSoon(arrival: Waiting): boolean {
    if (arrival.attempts > 0 || ![...this.app.workers].some(({ official }) => official)) return false;
    arrival.attempts++;
    this.app.clock.after(CLAIM_DELAY_MS, () => this.route(arrival));
    return true;
  }

  private createArrivals(): Arrivals<AppPlace> {
    const { log, clock } = this.app;
    return new Arrivals(this.options, log, clock, (arrival) => this.route(arrival));
  }

  private createWaiting(): AgedSet<Waiting> {
    const { queueTimeoutMs } = this.options;
    return new AgedSet(this.app.clock, queueTimeoutMs, ({ socket }) => refuse(socket, 503));
  }
}

/** The servers of ready workers; if no worker is ready, those of overdue ones. */
function inService(claims: readonly Claim<WorkerHandle>[]): Claim<WorkerHandle>[] {
  const ready = claims.filter(({ worker }) => worker.state === "ready");
  return ready.length > 0 ? ready : claims.filter(({ worker }) => worker.state === "overdue");
}

/** The server that a worker has at an address; if it has none there, its main server, or else its first. */
function serverOf(place: AppPlace, worker: WorkerHandle): Target {
  const claim = place.claims.find((each) => each.worker === worker);
  const [first = 0 as ServerNumber] = worker.servers.keys();
  return claim ?? { worker, server: worker.mainServer ?? first };
}

function answersAt(worker: WorkerHandle, server: ServerNumber, path: string): boolean {
  for (const each of worker.servers.get(server)?.paths ?? []) if (path.startsWith(each)) return true;
  return false;
}
