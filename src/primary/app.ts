// SPDX-License-Identifier: MIT
import type { Worker } from "node:cluster";
import type { Socket } from "node:net";
import { type Clock, createClock } from "../clock";
import type { AppOptions, BalancingMethod } from "../config";
import { debug, type Log } from "../log";
import type { ListenAddress, MovedSession, Peer, ToPrimary } from "../protocol/messages";
import { removePrivateAddress } from "../protocol/private-address";
import { AgedSet } from "./connections/aged-set";
import { type Arrival, Arrivals, refuse } from "./connections/arrival";
import { Balancer } from "./connections/balancer";
import { Listener } from "./connections/listener";
import { Relay } from "./packets/relay";
import { Handover } from "./sessions/handover";
import { SessionOwners } from "./sessions/session-owners";
import { HandoverCounts } from "./workers/handover-counts";
import type { OfficialMessage } from "./workers/official-worker";
import { Seats } from "./workers/seats";
import { WorkerHandle, type WorkerOwner } from "./workers/worker-handle";

/** A connection that lost this many workers is given up. */
const MAX_ATTEMPTS = 5;
/** How long an unknown session id may take to be claimed by a worker that does not wait for us. */
const CLAIM_DELAY_MS = 50;

/**
 * An app as the primary sees it: its workers, its public address, and the way of a connection between the two. Owns
 * what the connection needs until a worker has it; the worker handles own what concerns one worker.
 */
export class App implements WorkerOwner {
  readonly workers = new Set<WorkerHandle>();
  listener: Listener | undefined;
  private readonly seats = new Seats();
  private readonly owners = new SessionOwners<WorkerHandle>();
  private balancer: Balancer;
  private readonly leastLoaded = new Balancer("least-connection");
  private arrivals: Arrivals;
  private waiting: AgedSet<Arrival>;
  private readonly relay: Relay;
  /** What waits for something in this app waits by this clock. */
  readonly clock: Clock;
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
  private peersScheduled = false;

  constructor(
    readonly name: string,
    private options: AppOptions,
    readonly log: Log,
  ) {
    this.clock = createClock(log);
    this.relay = new Relay(this.workers, this.clock, log, options.recovery);
    this.balancer = new Balancer(options.method);
    this.arrivals = this.createArrivals();
    this.waiting = this.createWaiting();
  }

  /** Replaces the options. What is on its way goes on by the former ones; the listener moves with the next worker. */
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

  /**
   * A new process of this app.
   *
   * @param slotKey what stays the same when a process is replaced; the new process gets the same slot. By default the
   *   lowest free slot is taken.
   * @param held see {@link WorkerHandle.release}
   */
  attach(worker: Worker, slotKey?: string, held = false): WorkerHandle {
    const handle = new WorkerHandle(worker, this.seats.take(slotKey), this, held);
    this.workers.add(handle);
    this.owners.add(handle);
    return handle;
  }

  /** A fresh connection to the public address. */
  accept(socket: Socket): void {
    this.arrivals.add(socket);
  }

  get handoverTerms(): AppOptions["handover"] {
    return this.options.handover;
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
      worker.send({ type: "shed", count, ...this.handoverTerms });
    }
    return moving;
  }

  get recovery(): Relay["recovery"]["stats"] {
    return this.relay.recovery.stats;
  }

  get epoch(): string {
    return this.relay.recovery.epoch;
  }

  /** Calls `watch` on every change of a worker's state, until the returned function is called. */
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
    this.listener?.close();
    this.listener = undefined;
    this.arrivals.close();
    this.relay.close();
    for (const { socket } of this.waiting.clear()) refuse(socket, 503);
  }

  isPublic({ port, path }: ListenAddress): boolean {
    const own = this.listener?.address;
    return own !== undefined && own.port === port && own.path === path;
  }

  onReturn(arrival: Arrival): void {
    if (arrival.session) {
      this.handover.returned(arrival);
      return;
    }
    arrival.attempts++;
    if (arrival.attempts < MAX_ATTEMPTS) this.route(arrival);
    else arrival.socket.destroy();
  }

  onMove(worker: WorkerHandle, session: MovedSession): void {
    this.handover.announce(worker, this.relay.inApp(worker, session));
  }

  onMoveSocket(worker: WorkerHandle, sessionId: string, socket: Socket): void {
    this.handover.bring(worker, sessionId, socket);
  }

  onAdopted(worker: WorkerHandle, sessionId: string, ok: boolean): void {
    this.handover.adopted(worker, sessionId, ok);
  }

  onTakeBack(socket: Socket, bytes: Buffer): void {
    this.arrivals.takeBack(socket, bytes);
  }

  onRelay(worker: WorkerHandle, message: ToPrimary, frame: Buffer): void {
    this.relay.handle(worker, message, frame);
  }

  onOfficialRelay(worker: WorkerHandle, message: OfficialMessage): void {
    this.relay.handleOfficial(worker, message);
  }

  onClaim(sessionId: string, worker: WorkerHandle): void {
    this.owners.claim(sessionId, worker);
  }

  onUnclaim(sessionId: string, worker: WorkerHandle): void {
    this.owners.unclaim(sessionId, worker);
  }

  ownerOf(sessionId: string): WorkerHandle | undefined {
    return this.owners.of(sessionId);
  }

  onStateChange(worker: WorkerHandle): void {
    if (worker.state === "ready") {
      this.listen(worker.wants);
      for (const arrival of this.waiting.clear()) this.route(arrival);
    } else if (worker.state === "gone") {
      this.forget(worker);
    }
    this.announcePeers();
    this.tellListening(worker);
    for (const watch of [...this.watchers]) watch(worker);
  }

  private createArrivals(): Arrivals {
    return new Arrivals(this.options, this.log, this.clock, (arrival) => this.route(arrival));
  }

  private createWaiting(): AgedSet<Arrival> {
    return new AgedSet(this.clock, this.options.queueTimeoutMs, ({ socket }) => refuse(socket, 503));
  }

  private route(arrival: Arrival): void {
    const owner = arrival.sessionId === undefined ? undefined : this.ownerOf(arrival.sessionId);
    if (arrival.sessionId !== undefined && !owner && this.mayBeClaimedSoon(arrival)) return;
    const worker = owner?.servesItsSessions ? owner : this.balancer.pick(this.readyWorkers());
    if (debug.enabled) {
      const whose = arrival.sessionId === undefined ? "no session" : `session ${arrival.sessionId}`;
      debug("%s: a request of %s goes to %s", this.name, whose, worker?.name ?? "nobody yet");
    }
    if (worker) {
      worker.offer(arrival);
      return;
    }
    this.waiting.add(arrival);
    if (this.waiting.size > this.options.maxPending) {
      const oldest = this.waiting.shift();
      if (oldest) refuse(oldest.socket, 503);
    }
  }

  /**
   * Bundled copies of the official packages announce a session without waiting for an answer, so that its client's next
   * request may come first. It waits for the claim, once.
   */
  private mayBeClaimedSoon(arrival: Arrival): boolean {
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
    if (worker.address !== undefined) removePrivateAddress(worker.address);
  }

  onSilence(worker: WorkerHandle): void {
    this.relay.left(worker);
    this.handover.left(worker);
  }

  /** Opens the public address with the first ready worker; moves it if a later one asks for another. */
  private listen(wants: ListenAddress | undefined): void {
    if (!this.options.listenOn) return;
    const address = this.options.listenOn(wants);
    if (this.listener && sameAddress(this.listener.address, address)) return;
    this.listener?.close();
    this.listener = new Listener(
      this.name,
      address,
      this.log,
      this.clock,
      (socket) => this.accept(socket),
      () => {
        for (const worker of this.workers) this.tellListening(worker);
      },
    );
    this.listener.open();
  }

  private tellListening(worker: WorkerHandle): void {
    if (!this.listener || worker.state !== "ready") return;
    const { state, publicAddress, error } = this.listener;
    if (state === "open" || state === "failed")
      worker.send({ type: "listening", address: publicAddress, error });
  }

  /** Once per tick: a burst of changes is one message. */
  private announcePeers(): void {
    if (this.peersScheduled) return;
    this.peersScheduled = true;
    process.nextTick(() => {
      this.peersScheduled = false;
      const peers: Peer[] = [];
      for (const { seat, address, state } of this.workers) {
        if (address !== undefined) peers.push({ seat, address, ready: state === "ready" });
      }
      for (const worker of this.workers) worker.send({ type: "peers", peers });
    });
  }
}

function sameAddress(a: ListenAddress, b: ListenAddress): boolean {
  return a.port === b.port && a.host === b.host && a.path === b.path && a.backlog === b.backlog;
}
