// SPDX-License-Identifier: MIT
import type { Socket } from "node:net";
import type { Log } from "../../log";
import type { ListenAddress, PublicAddress, ServerNumber } from "../../protocol/messages";
import type { Listener } from "./listener";

/** An app, as far as addresses go. */
export interface AddressOwner<W> {
  readonly name: string;
  readonly log: Log;
  accept(socket: Socket, place: Place<W>): void;
  /** A server of one of its workers gets the connections of this address from now on, which may move there later. */
  onListening(claim: Claim<W>, place: Place<W>, address: PublicAddress): void;
  /** An address that a worker's server asked for cannot be opened at the moment. */
  onRefused(worker: W): void;
  /** The address is closed: nobody serves what waits for a worker there. */
  onClosed(place: Place<W>): void;
}

/** One server of one worker that is to get the connections of an address. */
export interface Claim<W> {
  readonly app: AddressOwner<W>;
  readonly worker: W;
  readonly server: ServerNumber;
  readonly address: ListenAddress;
  /** Whether the address is from the configuration, not a worker's word. */
  readonly isConfigured: boolean;
}

/** What an address needs of a worker. */
export interface ClaimingWorker {
  /** What stays the same when its process is replaced; none if nobody replaces it. */
  readonly slotKey: string | undefined;
}

/** What opens and closes an address: a listener, or a server of the user's own, which opens itself. */
export type OpenAddress = Pick<
  Listener,
  "address" | "state" | "publicAddress" | "refusal" | "open" | "close"
>;

/** An address with all who asked for it. */
export class Place<W> {
  /** In the order in which they asked. */
  readonly claims: Claim<W>[] = [];
  /** Processes that asked for it, are gone, and are about to run again; with their app. */
  readonly reserved = new Map<string, { app: AddressOwner<W>; timer: NodeJS.Timeout }>();
  /** The refusal that was logged last. */
  reported: string | undefined;
  /** Whether the app's former workers still have it, which those that asked for it were told. */
  isMoving = false;
  /** The app that asked last. */
  lastApp: AddressOwner<W> | undefined;

  constructor(
    readonly id: number,
    readonly key: string,
    readonly listener: OpenAddress,
  ) {}

  /** The apps that have it; more than one only while a renamed app has workers of both names. The newest is the last. */
  get apps(): AddressOwner<W>[] {
    const apps = [...this.reserved.values(), ...this.claims].map(({ app }) => app);
    return [...new Set(apps.reverse())].reverse();
  }
}

export function isOf<W>(claim: Claim<W>, worker: W, server: ServerNumber): boolean {
  return claim.worker === worker && claim.server === server;
}

/** What this server of this worker has asked for here. */
export function claimIn<W>({ claims }: Place<W>, worker: W, server: ServerNumber): Claim<W> | undefined {
  return claims.find((claim) => isOf(claim, worker, server));
}

/** An address belongs to one app; a process that is restarted under another name takes it along. */
export function mayJoin<W extends ClaimingWorker>(place: Place<W>, { app, worker }: Claim<W>): boolean {
  const { slotKey } = worker;
  const { apps } = place;
  if (apps.length === 0 || apps.includes(app)) return true;
  if (slotKey === undefined) return false;
  return place.reserved.has(slotKey) || place.claims.some((claim) => claim.worker.slotKey === slotKey);
}
