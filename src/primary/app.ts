// SPDX-License-Identifier: MIT
import type { Worker } from "node:cluster";
import type { Socket } from "node:net";
import { type Clock, createClock } from "../clock";
import type { AppOptions, BalancingMethod } from "../config";
import type { Log } from "../log";
import { type ListenAddress, MAX_SCOPES, type PublicAddress, type ServerNumber } from "../protocol/messages";
import type { Addresses } from "./connections/addresses";
import type { Arrival } from "./connections/arrival";
import { Balancer } from "./connections/balancer";
import type { AddressOwner, Claim } from "./connections/place";
import { Relay } from "./packets/relay";
import { Peers } from "./peers";
import { type AppPlace, type RoutedApp, Routing } from "./routing";
import { Handover } from "./sessions/handover";
import { SessionOwners } from "./sessions/session-owners";
import { HandoverCounts } from "./workers/handover-counts";
import type { OfficialMessage } from "./workers/official-worker";
import { Seats } from "./workers/seats";
import { type AppHandlers, type WorkerEvents, WorkerHandle } from "./workers/worker-handle";
import type { WorkerContext, WorkerTerms } from "./workers/worker-terms";

/**
 * An app as the primary sees it. It knows the app's workers and decides what becomes of the messages that concern more
 * than one of them. It leaves the way of a connection to a worker to {@link Routing}, what concerns one worker to its
 * {@link WorkerHandle}, and packets to the {@link Relay}.
 */
export class App implements WorkerContext, WorkerEvents, RoutedApp, AddressOwner<WorkerHandle> {
  readonly workers = new Set<WorkerHandle>();
  /** The clock for all that waits in this app. Errors in its timers go to the app's log. */
  readonly clock: Clock;
  private readonly owners = new SessionOwners<WorkerHandle>();
  private readonly leastLoaded = new Balancer("least-connection");
  private readonly routing: Routing;
  private readonly relay: Relay;
  private readonly peers: Peers;
  readonly handover = new Handover({
    pick: (from, { scope }) =>
      this.leastLoaded.pick(
        this.readyWorkers().filter((worker) => worker !== from && this.relay.scopes.has(worker, scope)),
      ),
    claim: (sessionId, worker) => this.owners.assign(sessionId, worker),
    unclaim: (sessionId, worker) => this.owners.unclaim(sessionId, worker),
  });
  readonly handoverCounts = new HandoverCounts();
  private readonly watchers = new Set<(worker: WorkerHandle) => void>();
  /**
   * What the app's main server asked for, once there was one. A worker that starts later may attach
   * Socket.IO long after its server listens; by this the primary knows at once that the server which asks
   * for the same is its main one.
   */
  private mainWants: string | undefined;
  /** Whether the app's main server asked for no address, and so has the default one. */
  takesDefault = false;

  /**
   * @param addresses the public addresses of the whole daemon
   * @param seats if the app was renamed, the seats of the app with the former name. Both then count their workers
   *   together, so that no two of them have the same seat, by which session ids name a worker.
   */
  constructor(
    readonly name: string,
    private options: AppOptions,
    readonly log: Log,
    readonly addresses: Addresses<WorkerHandle>,
    readonly seats = new Seats(),
  ) {
    this.clock = createClock(log);
    this.relay = new Relay(this.workers, this.clock, log, options.recovery);
    this.routing = new Routing(this, options);
    this.peers = new Peers(this.workers, addresses);
  }

  /** Replaces the options. For what is on its way already, the former ones hold. */
  configure(options: AppOptions): void {
    this.options = options;
    this.routing.configure(options);
  }

  get limits(): AppOptions {
    return this.options;
  }

  get method(): BalancingMethod {
    return this.routing.method;
  }

  /** A new process of the app was forked. If the terms name no slot key, it gets the lowest slot that is free. */
  attach(worker: Worker, terms: WorkerTerms = {}): WorkerHandle {
    const seat = this.seats.take(terms.slotKey);
    const handle = new WorkerHandle(worker, seat, terms, this, this, this.handlers);
    this.workers.add(handle);
    this.owners.add(handle);
    return handle;
  }

  /** A fresh connection to a public address. */
  accept(socket: Socket, place: AppPlace): void {
    this.routing.accept(socket, place);
  }

  /** Asks the workers with more than their share of live sessions to move the rest. Returns how many are to move. */
  rebalance(): number {
    if (!this.options.handover.moves) return 0;
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

  /** Calls `watch` on every change of any worker, until the returned function is called. */
  watch(watch: (worker: WorkerHandle) => void): () => void {
    this.watchers.add(watch);
    return () => this.watchers.delete(watch);
  }

  /** How many connections have no worker yet: those whose request line has not arrived, and those that wait for one. */
  get connectionCounts(): { pending: number; waiting: number } {
    return this.routing.counts;
  }

  /** The app is gone for good. */
  close(): void {
    this.addresses.releaseApp(this);
    this.routing.close();
    this.relay.close();
  }

  ownerOf(sessionId: string): WorkerHandle | undefined {
    return this.owners.of(sessionId);
  }

  // What addresses tell.

  onListening({ worker, server }: Claim<WorkerHandle>, place: AppPlace, address: PublicAddress): void {
    worker.send({ type: "listening", server, listener: place.id, address });
    this.peers.announce();
    for (const watch of [...this.watchers]) watch(worker);
  }

  onRefused(worker: WorkerHandle): void {
    for (const watch of [...this.watchers]) watch(worker);
  }

  onClosed(place: AppPlace): void {
    this.routing.closed(place);
  }

  // What workers tell.

  onStateChange(worker: WorkerHandle): void {
    if (worker.state === "gone") this.forget(worker);
    if (worker.state === "overdue") {
      const waited = `${worker.terms.readyWithinMs} ms`;
      const when = "it takes connections only while no other worker is ready";
      this.log.error(`${worker.name} listens, but has not said "ready" for ${waited} (wait_ready): ${when}`);
    }
    this.routing.serveWaiting();
    this.peers.announce();
    for (const watch of [...this.watchers]) watch(worker);
  }

  onSilence(worker: WorkerHandle): void {
    this.relay.left(worker);
    this.handover.left(worker);
  }

  onReturn(arrival: Arrival): void {
    if (arrival.session) this.handover.returned(arrival);
    else this.routing.returned(arrival);
  }

  onTakeBack(worker: WorkerHandle, server: ServerNumber, socket: Socket, bytes: Buffer): void {
    const place = this.addresses.of(worker, server) ?? this.anyPlaceOf(worker);
    if (place) this.routing.takeBack(socket, place, bytes);
    else socket.destroy();
  }

  onMoveSocket(worker: WorkerHandle, sessionId: string, socket: Socket): void {
    this.handover.bring(worker, sessionId, socket);
  }

  onOfficialRelay(worker: WorkerHandle, message: OfficialMessage): void {
    this.relay.handleOfficial(worker, message);
  }

  /** What is done with messages that concern more than the worker that sent them. */
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
    move: (worker, { session }) => this.handover.announce(worker, this.relay.inApp(worker, session)),
    adopted: (worker, { sid, ok }) => this.handover.adopted(worker, sid, ok),
    relay: (worker, message, frame) => this.relay.handle(worker, message, frame),
  };

  /**
   * A server listens, or asks for another address than before. It is the worker's main server if the worker has no
   * other main one, and if it has Socket.IO, asks for no address, or asks for that of the app's main server so far.
   */
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

  /** Socket.IO was attached to a server; if it is the worker's first, that server becomes the main one. */
  private attached(worker: WorkerHandle, server: ServerNumber, path: string, main: boolean): void {
    const served = worker.servers.get(server);
    if (!served || served.paths.size >= MAX_SCOPES) return;
    served.paths.add(path);
    if (main && worker.mainServer === undefined) {
      served.isMain = true;
      this.place(worker, server);
    }
    this.changed(worker);
  }

  /** Claims the address for a server: the one that it asked for, or what the app's options make of that. */
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

  /** The servers of a worker have changed. All others have to hear of that, even if the worker's state is the same. */
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

  ownerAt(place: AppPlace, sessionId: string): WorkerHandle | undefined {
    const own = this.ownerOf(sessionId);
    if (own || place.apps.length < 2) return own;
    for (const app of place.apps) {
      const owner = app instanceof App ? app.ownerOf(sessionId) : undefined;
      if (owner) return owner;
    }
    return undefined;
  }

  claimsAt({ claims }: AppPlace): readonly Claim<WorkerHandle>[][] {
    const own = claims.filter(({ app }) => app === this);
    return own.length === claims.length ? [own] : [own, claims];
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
}

function keyOf({ port, host, path, nth }: ListenAddress): string {
  return JSON.stringify([port, host, path, nth]);
}
