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
/** Where a connection goes. */
type Target = Pick<Claim<WorkerHandle>, "worker" | "server">;

/** A connection that lost this many workers is given up. */
const MAX_ATTEMPTS = 5;
/** How long an unknown session id may take to be claimed by a worker that does not wait for us. */
const CLAIM_DELAY_MS = 50;

/** What routing has to know of its app. */
export interface RoutedApp {
  readonly name: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly workers: Iterable<WorkerHandle>;
  /** The worker that has a session: of this app, or of the one that has the address together with it. */
  ownerAt(place: AppPlace, sessionId: string): WorkerHandle | undefined;
  /** The servers that asked for an address: those of this app if any of them is in service, else all. */
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

  /** Replaces the options. What is on its way goes on by the former ones. */
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

  /** A connection that a worker gives back, with the bytes of its next request that the worker has read. */
  takeBack(socket: Socket, place: AppPlace, bytes: Buffer): void {
    this.arrivals.takeBack(socket, place, bytes);
  }

  /** A worker did not take a connection. */
  returned(arrival: Arrival | Waiting): void {
    arrival.attempts++;
    if (arrival.attempts < MAX_ATTEMPTS && "place" in arrival) this.route(arrival);
    else arrival.socket.destroy();
  }

  /** A worker may be in service that was not: connections that waited may have one now. */
  serveWaiting(): void {
    for (const arrival of this.waiting.values()) {
      if (this.ableFor(arrival).length === 0) continue;
      this.waiting.delete(arrival);
      this.route(arrival);
    }
  }

  /** Nobody serves this address any more. */
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

  /** Chooses among the servers that can take a connection. */
  private pick(arrival: Waiting): Target | undefined {
    const able = this.ableFor(arrival);
    const worker = this.balancer.pick(able.map((claim) => claim.worker));
    return able.find((claim) => claim.worker === worker);
  }

  /** The servers that asked for the address of a connection, are in service, and have Socket.IO if it is asked for. */
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
   * Bundled copies of the official packages announce a session without waiting for an answer, so that its client's next
   * request may come first. It waits for the claim, once.
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

/** The servers of ready workers; if there are none, of those that are overdue. */
function inService(claims: readonly Claim<WorkerHandle>[]): Claim<WorkerHandle>[] {
  const ready = claims.filter(({ worker }) => worker.state === "ready");
  return ready.length > 0 ? ready : claims.filter(({ worker }) => worker.state === "overdue");
}

/** The server of a worker at an address; another one of its servers, if it has none there. */
function serverOf(place: AppPlace, worker: WorkerHandle): Target {
  const claim = place.claims.find((each) => each.worker === worker);
  const [first = 0 as ServerNumber] = worker.servers.keys();
  return claim ?? { worker, server: worker.mainServer ?? first };
}

function answersAt(worker: WorkerHandle, server: ServerNumber, path: string): boolean {
  for (const each of worker.servers.get(server)?.paths ?? []) if (path.startsWith(each)) return true;
  return false;
}
