// SPDX-License-Identifier: MIT
import type { Socket } from "node:net";
import type { Log } from "../../log";
import type { ListenAddress, PublicAddress, ServerNumber } from "../../protocol/messages";
import type { Listener } from "./listener";

/** What an address needs of an app. */
export interface AddressOwner<W> {
  readonly name: string;
  readonly log: Log;
  accept(socket: Socket, place: Place<W>): void;
  /**
   * From now on a server of one of the app's workers gets the connections of this address. The address may be one that
   * is still about to be opened, see `Refusal.isMoving`.
   */
  onListening(claim: Claim<W>, place: Place<W>, address: PublicAddress): void;
  /** An address that a worker's server asked for cannot be opened at the moment. */
  onRefused(worker: W): void;
  /** The address was closed: nobody will serve the connections that wait for a worker there. */
  onClosed(place: Place<W>): void;
}

/** The wish of one server of one worker to get the connections of an address. */
export interface Claim<W> {
  readonly app: AddressOwner<W>;
  readonly worker: W;
  readonly server: ServerNumber;
  readonly address: ListenAddress;
  /** Whether the address is from the app's configuration; otherwise the worker has named it. */
  readonly isConfigured: boolean;
}

/** What an address needs of a worker. */
export interface ClaimingWorker {
  /** What is the same for a process and for the one that replaces it; `undefined` if nobody replaces processes. */
  readonly slotKey: string | undefined;
}

/** What opens and closes an address: a {@link Listener}, or a server that the user's own code opens and closes. */
export type OpenAddress = Pick<
  Listener,
  "address" | "name" | "state" | "publicAddress" | "refusal" | "open" | "close"
>;

/** An address, with all servers that asked for it and got it. */
export class Place<W> {
  /** In the order in which they asked. */
  readonly claims: Claim<W>[] = [];
  /** The processes that had asked for it, are gone and are about to run again, by their slot key; with their app. */
  readonly reserved = new Map<string, { app: AddressOwner<W>; timer: NodeJS.Timeout }>();
  /** The reason that was logged last for its not being open. The same reason is not logged again. */
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

  /**
   * The apps that have it. They are more than one only while an app is being renamed and has workers of both names. The
   * one that asked last comes last.
   */
  get apps(): AddressOwner<W>[] {
    const apps = [...this.reserved.values(), ...this.claims].map(({ app }) => app);
    return [...new Set(apps.reverse())].reverse();
  }
}

export function isOf<W>(claim: Claim<W>, worker: W, server: ServerNumber): boolean {
  return claim.worker === worker && claim.server === server;
}

/** The claim that this server of this worker has at this place, if any. */
export function claimIn<W>({ claims }: Place<W>, worker: W, server: ServerNumber): Claim<W> | undefined {
  return claims.find((claim) => isOf(claim, worker, server));
}

/**
 * Whether a claim may join those that a place has. An address belongs to one app; but a process that was restarted
 * under another name takes it along, and so the app of that name has it, too.
 */
export function mayJoin<W extends ClaimingWorker>(place: Place<W>, { app, worker }: Claim<W>): boolean {
  const { slotKey } = worker;
  const { apps } = place;
  if (apps.length === 0 || apps.includes(app)) return true;
  if (slotKey === undefined) return false;
  return place.reserved.has(slotKey) || place.claims.some((claim) => claim.worker.slotKey === slotKey);
}
