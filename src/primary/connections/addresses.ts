// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";
import { describe } from "../../errors";
import type { ListenAddress, PublicAddress, ServerNumber } from "../../protocol/messages";
import { describeAddress, Listener, type OwnHolder, type Refusal } from "./listener";
import {
  type AddressOwner,
  type Claim,
  type ClaimingWorker,
  claimIn,
  isOf,
  mayJoin,
  type OpenAddress,
  Place,
} from "./place";

/** The key of the place whose connections come from a server of the user's own, in a plain cluster. */
const EXTERNAL = "external";

/** How long an address is kept for a process that is about to run again, if it neither comes nor is given up. */
const RESERVED_MS = 30_000;

/**
 * The public addresses of a daemon, or of the primary of a plain cluster. An address is open as long as any process
 * that asked for it is running, or is about to run again. It belongs to the processes and not to the name of their app,
 * so it goes along when the app is renamed.
 *
 *     claim() ──nobody has it──▶ a listener is opened
 *        ├──the app has it, or the same process under its former name──▶ joins
 *        └──another app has it──▶ waits, and is told whose it is, until that lets go of it
 */
export class Addresses<W extends ClaimingWorker> {
  private readonly places = new Map<string, Place<W>>();
  private waiting: { claim: Claim<W>; key: string }[] = [];
  private readonly appNumbers = new WeakMap<AddressOwner<W>, number>();
  private external: Place<W> | undefined;
  private nextApp = 1;
  private nextId = 1;

  /**
   * @param ownHolder says who in this process has a port that `app` asks for, if it is open by way of Node's cluster
   *   module and not as one of these addresses
   */
  constructor(
    private readonly clock: Clock,
    private readonly ownHolder: (port: number, app: AddressOwner<W>) => ReturnType<OwnHolder> = () => ({
      isMoving: false,
    }),
  ) {}

  /** The address that a server of a worker has got, be it open or about to be. */
  of(worker: W, server: ServerNumber): Place<W> | undefined {
    for (const place of this.places.values()) if (claimIn(place, worker, server)) return place;
    return undefined;
  }

  /**
   * Why an address that a worker asked for is not open, for a log line; `undefined` if all its addresses
   * are open, or about to be.
   */
  refusalOf(worker: W): string | undefined {
    const whose = this.waiting.find(({ claim }) => claim.worker === worker);
    const owner = whose && this.places.get(whose.key);
    if (owner) return `${describeAddress(whose.claim.address)}: ${ownersOf(owner)}`;
    for (const { claims, listener } of this.places.values()) {
      const { refusal, address } = listener;
      if (!refusal || refusal.isMoving || !claims.some((claim) => claim.worker === worker)) continue;
      return `${describeAddress(address)}: ${whyNot(refusal)}`;
    }
    return undefined;
  }

  /** What the servers of an app have asked for and other apps have, with the worker that asked and whose it is. */
  waitingOf(app: AddressOwner<W>): { address: ListenAddress; worker: W; why: string }[] {
    return this.waiting.flatMap(({ claim, key }) => {
      const owner = this.places.get(key);
      if (claim.app !== app || !owner) return [];
      return [{ address: claim.address, worker: claim.worker, why: ownersOf(owner) }];
    });
  }

  /** Whether all addresses that a worker asked for are open, or about to be when the app's former workers are gone. */
  isServed(worker: W): boolean {
    if (this.waiting.some(({ claim }) => claim.worker === worker)) return false;
    const own = [...this.places.values()].filter(({ claims }) =>
      claims.some((claim) => claim.worker === worker),
    );
    return own.every(({ listener }) => listener.state === "open" || listener.refusal?.isMoving === true);
  }

  /** All addresses of an app. */
  *ofApp(app: AddressOwner<W>): Generator<Place<W>> {
    for (const place of this.places.values()) if (place.apps.includes(app)) yield place;
  }

  /**
   * Adds a server that the user's own code opens and closes. Its connections are for the workers that ask for its port,
   * or for no address in particular.
   *
   * @param opened that server; its `address` may become known later
   */
  addExternal(opened: OpenAddress): Place<W> {
    this.external ??= new Place(this.nextId++, EXTERNAL, opened);
    this.places.set(EXTERNAL, this.external);
    this.claimWaiting(EXTERNAL);
    return this.external;
  }

  /** The user's own server listens now. */
  externalOpened(): void {
    if (this.external) this.opened(this.external);
  }

  /** A worker's server asks for the connections of an address. If it has another address, it gives that up. */
  claim(claim: Claim<W>): void {
    const { app, worker, server, address } = claim;
    const key = this.keyOf(address, app);
    const former = this.of(worker, server);
    if (former?.key === key) return;
    this.waiting = this.waiting.filter((other) => !isOf(other.claim, worker, server));
    const place = this.places.get(key);
    if (key === EXTERNAL && !place) {
      // The user's server is not known yet: `setupPrimary` may be called after the worker was forked.
      this.waiting.push({ claim, key });
    } else if (place && !mayJoin(place, claim)) {
      this.waiting.push({ claim, key });
      this.tellWhose(claim, place);
    } else {
      this.join(place ?? this.createPlace(key, claim), claim);
    }
    // The former address is given up only now, so that the worker has an address at any moment.
    if (former) this.leave(former, worker, server);
  }

  /** The app has closed a server, so that it needs no address any more. */
  unclaim(worker: W, server: ServerNumber): void {
    this.waiting = this.waiting.filter(({ claim }) => !isOf(claim, worker, server));
    const place = this.of(worker, server);
    if (place) this.leave(place, worker, server);
  }

  /**
   * The worker is gone.
   *
   * @param returns whether its process is about to run again; if so, its addresses are kept open for it
   */
  left(worker: W, returns: boolean): void {
    this.waiting = this.waiting.filter(({ claim }) => claim.worker !== worker);
    const { slotKey } = worker;
    for (const place of [...this.places.values()]) {
      // Two of its servers may have one address: the main server has the configured one, whatever it has asked for.
      const own = place.claims.filter((each) => each.worker === worker);
      for (const claim of own) place.claims.splice(place.claims.indexOf(claim), 1);
      if (own[0] && returns && slotKey !== undefined) this.reserve(place, slotKey, own[0].app);
      if (own[0]) this.closeIfUnused(place);
    }
  }

  /** The process with this key does not run again. */
  release(slotKey: string): void {
    for (const place of [...this.places.values()]) this.unreserve(place, slotKey);
  }

  /** Gives up all addresses of an app. */
  releaseApp(app: AddressOwner<W>): void {
    this.waiting = this.waiting.filter(({ claim }) => claim.app !== app);
    for (const place of [...this.ofApp(app)]) {
      for (const [slotKey, reservation] of place.reserved) {
        if (reservation.app === app) this.unreserve(place, slotKey);
      }
      for (const claim of place.claims.filter((each) => each.app === app)) {
        place.claims.splice(place.claims.indexOf(claim), 1);
      }
      this.closeIfUnused(place);
    }
  }

  /** Somebody may have let go of a port: tries again to open what could not be opened. */
  retry(): void {
    for (const { listener } of this.places.values()) if (listener.state === "failed") listener.open();
  }

  private createPlace(key: string, first: Claim<W>): Place<W> {
    const { app, address, isConfigured } = first;
    const place: Place<W> = new Place(
      this.nextId++,
      key,
      new Listener(address, isConfigured, app.log, this.clock, (port) => this.heldByUs(port, place), {
        onConnection: (socket) => place.apps.at(-1)?.accept(socket, place),
        onOpen: () => this.opened(place),
        onRefused: (refusal) => this.refused(place, refusal),
      }),
    );
    this.places.set(key, place);
    return place;
  }

  private join(place: Place<W>, claim: Claim<W>): void {
    place.claims.push(claim);
    place.lastApp = claim.app;
    if (claim.worker.slotKey !== undefined) this.forgetReservation(place, claim.worker.slotKey);
    place.listener.open();
    const { publicAddress, refusal, address } = place.listener;
    if (publicAddress !== undefined) claim.app.onListening(claim, place, publicAddress);
    else if (refusal?.isMoving) claim.app.onListening(claim, place, asAsked(address));
  }

  private opened(place: Place<W>): void {
    const { publicAddress } = place.listener;
    if (publicAddress === undefined) return;
    place.apps.at(-1)?.log.info(`listens on ${place.listener.name}`);
    place.reported = undefined;
    place.isMoving = false;
    for (const claim of [...place.claims]) claim.app.onListening(claim, place, publicAddress);
  }

  private refused(place: Place<W>, refusal: Refusal): void {
    if (refusal.isMoving) {
      if (place.isMoving) return;
      place.isMoving = true;
      // Former workers of the app have the address by way of Node's cluster module and are about to be replaced. The
      // new ones are told that it is open: an app may say "ready" only after that, and the reload waits for "ready"
      // before it ends the former ones.
      for (const claim of [...place.claims]) claim.app.onListening(claim, place, asAsked(claim.address));
      return;
    }
    for (const claim of [...place.claims]) claim.app.onRefused(claim.worker);
    const why = whyNot(refusal);
    if (place.reported === why) return;
    place.reported = why;
    for (const app of place.apps) this.report(app, place.listener.address, why);
  }

  private report(app: AddressOwner<W>, address: ListenAddress, why: string): void {
    app.log.error(describe("STICKY_PORT", app.name, describeAddress(address), why));
  }

  private tellWhose({ app, address, worker }: Claim<W>, place: Place<W>): void {
    this.report(app, address, ownersOf(place));
    app.onRefused(worker);
  }

  /**
   * Who in this very process has a port. It may be another of these addresses: one app asked for the port on all
   * network addresses, another one on a certain one. Or it is a worker, by way of Node's cluster module.
   */
  private heldByUs(port: number, asking: Place<W>): ReturnType<OwnHolder> {
    const app = asking.apps.at(-1);
    for (const place of this.places.values()) {
      if (place === asking || place.listener.address.port !== port || place.listener.state !== "open")
        continue;
      const names = place.apps.map(({ name }) => `"${name}"`).join(" and ");
      return { holder: `app ${names} has ${describeAddress(place.listener.address)}`, isMoving: false };
    }
    return app ? this.ownHolder(port, app) : { isMoving: false };
  }

  private reserve(place: Place<W>, slotKey: string, app: AddressOwner<W>): void {
    this.forgetReservation(place, slotKey);
    const timer = this.clock.after(RESERVED_MS, () => this.unreserve(place, slotKey));
    place.reserved.set(slotKey, { app, timer });
  }

  private unreserve(place: Place<W>, slotKey: string): void {
    this.forgetReservation(place, slotKey);
    this.closeIfUnused(place);
  }

  private forgetReservation(place: Place<W>, slotKey: string): void {
    clearTimeout(place.reserved.get(slotKey)?.timer);
    place.reserved.delete(slotKey);
  }

  private leave(place: Place<W>, worker: W, server: ServerNumber): void {
    const claim = claimIn(place, worker, server);
    if (claim) place.claims.splice(place.claims.indexOf(claim), 1);
    this.closeIfUnused(place);
  }

  private closeIfUnused(place: Place<W>): void {
    if (place.claims.length > 0 || place.reserved.size > 0 || place === this.external) return;
    if (this.places.get(place.key) !== place) return;
    this.places.delete(place.key);
    const { listener, lastApp } = place;
    if (listener.state === "open") lastApp?.log.info(`${listener.name} is closed`);
    listener.close();
    lastApp?.onClosed(place);
    const { port } = listener.address;
    // Another address may have waited for this port (on other network addresses): it is opened now, and not only when
    // its next attempt is due.
    for (const other of this.places.values()) {
      if (port !== undefined && other.listener.address.port === port) other.listener.open();
    }
    this.claimWaiting(place.key);
  }

  private claimWaiting(key: string): void {
    const free = this.waiting.filter((each) => each.key === key);
    this.waiting = this.waiting.filter((each) => each.key !== key);
    for (const { claim } of free) this.claim(claim);
  }

  /**
   * Names an address, so that two servers share it if their keys are equal. Port 0, any free port, is another port for
   * each app; the n-th servers of its workers share one.
   */
  private keyOf({ port, host, path, ipv6Only, nth }: ListenAddress, app: AddressOwner<W>): string {
    const { port: externalPort } = this.external?.listener.address ?? {};
    if (path !== undefined) return JSON.stringify([path]);
    if (port === undefined || (port > 0 && port === externalPort)) return EXTERNAL;
    const any = port === 0 ? [this.numberOf(app), nth ?? 0] : [];
    return JSON.stringify([port, host ?? null, ipv6Only ?? false, ...any]);
  }

  private numberOf(app: AddressOwner<W>): number {
    const number = this.appNumbers.get(app) ?? this.nextApp++;
    this.appNumbers.set(app, number);
    return number;
  }
}

function whyNot({ code, holder }: Refusal): string {
  return holder ? `${code}, ${holder}` : code;
}

function ownersOf<W>({ apps }: Place<W>): string {
  return `app ${apps.map(({ name }) => `"${name}"`).join(" and ")} has it`;
}

/** What `server.address()` tells while the address is still about to be opened: what was asked for. */
function asAsked({ path, host, port }: ListenAddress): PublicAddress {
  return (
    path ?? { address: host ?? "::", family: host && !host.includes(":") ? "IPv4" : "IPv6", port: port ?? 0 }
  );
}
