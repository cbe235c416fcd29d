// SPDX-License-Identifier: MIT
import type { Worker } from "node:cluster";
import type { Socket } from "node:net";
import { type Clock, createClock } from "../clock";
import type { AppOptions, BalancingMethod } from "../config";
import { debug, type Log } from "../log";
import type { ListenAddress, Peer, PeerServer, PublicAddress, ServerNumber } from "../protocol/messages";
import type { Addresses, AddressOwner, Claim, Place } from "./connections/addresses";
import { AgedSet } from "./connections/aged-set";
import { type Arrival, Arrivals, type PublicArrival, refuse } from "./connections/arrival";
import { Balancer } from "./connections/balancer";
import { Relay } from "./packets/relay";
import { Handover } from "./sessions/handover";
import { SessionOwners } from "./sessions/session-owners";
import { HandoverCounts } from "./workers/handover-counts";
import type { OfficialMessage } from "./workers/official-worker";
import { Seats } from "./workers/seats";
import {
  type AppHandlers,
  type WorkerContext,
  type WorkerEvents,
  WorkerHandle,
  type WorkerTerms,
} from "./workers/worker-handle";

/** The address of one app, with those of its workers' servers that get its connections. */
export type AppPlace = Place<WorkerHandle>;
type Waiting = PublicArrival<AppPlace>;

/** A connection that lost this many workers is given up. */
const MAX_ATTEMPTS = 5;
/** How long an unknown session id may take to be claimed by a worker that does not wait for us. */
const CLAIM_DELAY_MS = 50;

/**
 * An app as the primary sees it: its workers, its public addresses, and the way of a connection between the two. Owns
 * what the connection needs until a worker has it; the worker handles own what concerns one worker.
 */
export class App implements WorkerContext, WorkerEvents, AddressOwner<WorkerHandle> {
  readonly workers = new Set<WorkerHandle>();
  /** What waits for something in this app waits by this clock. */
  readonly clock: Clock;
  private readonly owners = new SessionOwners<WorkerHandle>();
  private balancer: Balancer;
  private readonly leastLoaded = new Balancer("least-connection");
  private arrivals: Arrivals<AppPlace>;
  private waiting: AgedSet<Waiting>;
  private readonly relay: Relay;
  readonly handover = new Handover({
    pick: (from) =>
      this.leastLoaded.pick(this.readyWorkers().filter((worker) => worker !== from && worker.hasSocketIo)),
    claim: (sessionId, worker) => this.owners.assign(sessionId, worker),
    unclaim: (sessionId, worker) => this.owners.unclaim(sessionId, worker),
  });
  readonly handoverCounts = new HandoverCounts();
  private readonly watchers = new Set<(worker: WorkerHandle) => void>();
  private peersScheduled = false;
  /** Where the app asks for the main address, as far as it was seen: a worker may attach Socket.IO long after it listens. */
  private mainWants: string | undefined;
  takesDefault = false;

  /**
   * @param addresses the public addresses of the whole daemon
   * @param seats those of the app's former name, if it was renamed: session ids name a seat
   */
  constructor(
    readonly name: string,
    private options: AppOptions,
    readonly log: Log,
    readonly addresses: Addresses<WorkerHandle>,
    readonly seats = new Seats(),
  ) {
    this.clock = createClock(log);
    this.relay = new Relay(this.workers, this.clock, options.recovery);
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

  get limits(): AppOptions {
    return this.options;
  }

  get method(): BalancingMethod {
    return this.balancer.method;
  }

  /** A new process of this app. Without a slot key it takes the lowest slot that is free. */
  attach(worker: Worker, terms: WorkerTerms = {}): WorkerHandle {
    const seat = this.seats.take(terms.slotKey);
    const handle = new WorkerHandle(worker, seat, terms, this, this, this.handlers);
    this.workers.add(handle);
    this.owners.add(handle);
    return handle;
  }

  /** A fresh connection to a public address. */
  accept(socket: Socket, place: AppPlace): void {
    this.arrivals.add(socket, place);
  }

  /** Spreads the live sessions evenly over the ready workers. Returns how many are asked to move. */
  rebalance(): number {
    const ready = this.readyWorkers();
    const share = Math.ceil(ready.reduce((sum, { sessions }) => sum + sessions, 0) / ready.length);
    let moving = 0;
    for (const worker of ready) {
      const count = worker.sessions - share;
      if (count <= 0) continue;
      moving += count;
      worker.send({ type: "shed", count, ...this.options.handover });
    }
    return moving;
  }

  get recovery(): Relay["recovery"]["stats"] {
    return this.relay.recovery.stats;
  }

  get epoch(): string {
    return this.relay.recovery.epoch;
  }

  /** Calls `watch` on every change of a worker, until the returned function is called. */
  watch(watch: (worker: WorkerHandle) => void): () => void {
    this.watchers.add(watch);
    return () => this.watchers.delete(watch);
  }

  /** How many connections have no worker yet: those whose request line has not arrived, and those that wait for one. */
  get connectionCounts(): { pending: number; waiting: number } {
    return { pending: this.arrivals.size, waiting: this.waiting.size };
  }

  /** The app is gone for good. */
  close(): void {
    this.addresses.releaseApp(this);
    this.arrivals.close();
    this.relay.recovery.close();
    for (const { socket } of this.waiting.clear()) refuse(socket, 503);
  }

  ownerOf(sessionId: string): WorkerHandle | undefined {
    return this.owners.of(sessionId);
  }

  // What addresses tell.

  onListening({ worker, server }: Claim<WorkerHandle>, place: AppPlace, address: PublicAddress): void {
    worker.send({ type: "listening", server, listener: place.id, address });
    this.announcePeers();
  }

  onClosed(place: AppPlace): void {
    for (const arrival of this.waiting.values()) {
      if (arrival.place !== place) continue;
      this.waiting.delete(arrival);
      refuse(arrival.socket, 503);
    }
  }

  // What workers tell.

  onStateChange(worker: WorkerHandle): void {
    if (worker.state === "gone") this.forget(worker);
    if (worker.state === "overdue") {
      const waited = `${worker.terms.readyWithinMs} ms`;
      const when = "it takes connections only while no other worker is ready";
      this.log.error(`${worker.name} listens, but has not said "ready" for ${waited} (wait_ready): ${when}`);
    }
    this.serveWaiting();
    this.announcePeers();
    for (const watch of [...this.watchers]) watch(worker);
  }

  onSilence(worker: WorkerHandle): void {
    this.relay.left(worker);
    this.handover.left(worker);
  }

  onReturn(arrival: Arrival | Waiting): void {
    if (arrival.session) {
      this.handover.returned(arrival);
      return;
    }
    arrival.attempts++;
    if (arrival.attempts < MAX_ATTEMPTS && "place" in arrival) this.route(arrival);
    else arrival.socket.destroy();
  }

  onTakeBack(worker: WorkerHandle, server: ServerNumber, socket: Socket, bytes: Buffer): void {
    const place = this.addresses.of(worker, server) ?? this.anyPlaceOf(worker);
    if (place) this.arrivals.takeBack(socket, place, bytes);
    else socket.destroy();
  }

  onMoveSocket(worker: WorkerHandle, sessionId: string, socket: Socket): void {
    this.handover.bring(worker, sessionId, socket);
  }

  onOfficialRelay(worker: WorkerHandle, message: OfficialMessage): void {
    this.relay.handleOfficial(worker, message);
  }

  /** What becomes of messages that concern more than the worker which sends them. */
  private readonly handlers: AppHandlers = {
    serve: (worker, { server, wants, main }) => this.serve(worker, server, wants, main),
    attached: (worker, { server, path, main }) => this.attached(worker, server, path, main),
    unserve: (worker, { server }) => {
      worker.unserve(server);
      this.addresses.unclaim(worker, server);
      this.changed(worker);
    },
    claim: (worker, { seq, id }) => {
      this.owners.claim(id, worker);
      worker.send({ type: "claimed", seq });
    },
    unclaim: (worker, { id }) => this.owners.unclaim(id, worker),
    whose: (worker, { seq, id }) => worker.send({ type: "owner", seq, seat: this.ownerOf(id)?.seat }),
    move: (worker, { session }) => this.handover.announce(worker, session),
    adopted: (worker, { sid, ok }) => this.handover.adopted(worker, sid, ok),
    relay: (worker, message, frame) => this.relay.handle(worker, message, frame),
  };

  /** A server listens, or asks for another address than before. */
  private serve(
    worker: WorkerHandle,
    server: ServerNumber,
    wants: ListenAddress | undefined,
    hasSocketIo: boolean,
  ): void {
    const known = worker.servers.get(server);
    const other = worker.mainServer;
    const mayBeMain = other === undefined || other === server;
    const isMain = mayBeMain && (hasSocketIo || wants === undefined || keyOf(wants) === this.mainWants);
    worker.serve(server, { wants, isMain, paths: known?.paths ?? new Set() });
    this.place(worker, server);
    this.changed(worker);
  }

  /** Socket.IO answers at a path of a server. */
  private attached(worker: WorkerHandle, server: ServerNumber, path: string, main: boolean): void {
    const served = worker.servers.get(server);
    if (!served) return;
    served.paths.add(path);
    if (main && worker.mainServer === undefined) {
      served.isMain = true;
      this.place(worker, server);
    }
    this.changed(worker);
  }

  /** Asks for the address that a server gets its connections from. */
  private place(worker: WorkerHandle, server: ServerNumber): void {
    const { wants, isMain } = worker.servers.get(server)!;
    if (isMain) {
      this.mainWants = wants && keyOf(wants);
      this.takesDefault = wants === undefined;
    }
    const { address, isConfigured } = worker.terms.listenOn?.(wants, isMain) ?? {
      address: wants ?? {},
      isConfigured: false,
    };
    this.addresses.claim({ app: this, worker, server, address, isConfigured });
  }

  /** The servers of a worker are others than before; its state may be the same. */
  private changed(worker: WorkerHandle): void {
    const before = worker.state;
    worker.update();
    if (worker.state === before) this.onStateChange(worker);
  }

  private anyPlaceOf(worker: WorkerHandle): AppPlace | undefined {
    for (const server of worker.servers.keys()) {
      const place = this.addresses.of(worker, server);
      if (place) return place;
    }
    return undefined;
  }

  private createArrivals(): Arrivals<AppPlace> {
    return new Arrivals(this.options, this.log, this.clock, (arrival) => this.route(arrival));
  }

  private createWaiting(): AgedSet<Waiting> {
    return new AgedSet(this.clock, this.options.queueTimeoutMs, ({ socket }) => refuse(socket, 503));
  }

  private route(arrival: Waiting): void {
    const { place, sessionId } = arrival;
    const owner = sessionId === undefined ? undefined : this.ownerAt(place, sessionId);
    if (sessionId !== undefined && !owner && this.mayBeClaimedSoon(arrival)) return;
    const target = owner?.servesItsSessions ? claimOf(place, owner) : this.pick(place, arrival);
    if (debug.enabled) {
      const whose = sessionId === undefined ? "no session" : `session ${sessionId}`;
      debug("%s: a request of %s goes to %s", this.name, whose, target?.worker.name ?? "nobody yet");
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

  /** Connections that waited for a worker may have one now. */
  private serveWaiting(): void {
    for (const arrival of this.waiting.values()) {
      if (!this.pick(arrival.place, arrival)) continue;
      this.waiting.delete(arrival);
      this.route(arrival);
    }
  }

  /** Who has a session: a worker of this app, or of the app's other name while it is being renamed. */
  private ownerAt(place: AppPlace, sessionId: string): WorkerHandle | undefined {
    const own = this.ownerOf(sessionId);
    if (own || place.apps.length < 2) return own;
    for (const app of place.apps) {
      const owner = app instanceof App ? app.ownerOf(sessionId) : undefined;
      if (owner) return owner;
    }
    return undefined;
  }

  /** Chooses among the servers that asked for this address. */
  private pick(
    place: AppPlace,
    { enginePath }: Arrival,
  ): { worker: WorkerHandle; server: ServerNumber } | undefined {
    const own = place.claims.filter(({ app }) => app === this);
    let able = inService(own);
    if (able.length === 0) able = inService(place.claims);
    if (enginePath !== undefined) {
      const attached = able.filter(({ worker, server }) => answersAt(worker, server, enginePath));
      if (attached.length > 0) able = attached;
    }
    const worker = this.balancer.pick(able.map((claim) => claim.worker));
    return able.find((claim) => claim.worker === worker);
  }

  /**
   * Bundled copies of the official packages announce a session without waiting for an answer, so that its client's next
   * request may come first. It waits for the claim, once.
   */
  private mayBeClaimedSoon(arrival: Waiting): boolean {
    if (arrival.attempts > 0 || ![...this.workers].some(({ official }) => official)) return false;
    arrival.attempts++;
    this.clock.after(CLAIM_DELAY_MS, () => this.route(arrival));
    return true;
  }

  private readyWorkers(): WorkerHandle[] {
    const ready: WorkerHandle[] = [];
    for (const worker of this.workers) if (worker.state === "ready") ready.push(worker);
    return ready;
  }

  private forget(worker: WorkerHandle): void {
    this.workers.delete(worker);
    this.owners.forget(worker);
    this.seats.leave(worker.seat);
    const { slotKey } = worker;
    const isReplaced = [...this.workers].some((other) => slotKey !== undefined && other.slotKey === slotKey);
    this.addresses.left(worker, !isReplaced);
  }

  /** Once per tick: a burst of changes is one message. */
  private announcePeers(): void {
    if (this.peersScheduled) return;
    this.peersScheduled = true;
    process.nextTick(() => {
      this.peersScheduled = false;
      const peers: Peer[] = [];
      for (const worker of this.workers) {
        const servers = this.peerServers(worker);
        if (servers.length > 0) peers.push({ seat: worker.seat, servers, ready: worker.state === "ready" });
      }
      for (const worker of this.workers) worker.send({ type: "peers", peers });
    });
  }

  private peerServers(worker: WorkerHandle): PeerServer[] {
    const servers: PeerServer[] = [];
    for (const [number, { paths }] of worker.servers) {
      const address = worker.privateAddress(number);
      const place = this.addresses.of(worker, number);
      if (address !== undefined) servers.push({ listener: place?.id ?? 0, address, paths: [...paths] });
    }
    return servers;
  }
}

/** The servers of ready workers; if there are none, of those that are overdue. */
function inService(claims: readonly Claim<WorkerHandle>[]): Claim<WorkerHandle>[] {
  const ready = claims.filter(({ worker }) => worker.state === "ready");
  return ready.length > 0 ? ready : claims.filter(({ worker }) => worker.state === "overdue");
}

/** The server of a worker at an address; another one of its servers, if it has none there. */
function claimOf(place: AppPlace, worker: WorkerHandle): { worker: WorkerHandle; server: ServerNumber } {
  const claim = place.claims.find((each) => each.worker === worker);
  const [first = 0] = worker.servers.keys();
  return claim ?? { worker, server: worker.mainServer ?? first };
}

function answersAt(worker: WorkerHandle, server: ServerNumber, path: string): boolean {
  for (const each of worker.servers.get(server)?.paths ?? []) if (path.startsWith(each)) return true;
  return false;
}

function keyOf({ port, host, path, nth }: ListenAddress): string {
  return JSON.stringify([port, host, path, nth]);
}
