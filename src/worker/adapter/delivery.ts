// SPDX-License-Identifier: MIT
import { Adapter, type BroadcastOptions } from "socket.io-adapter";
import { unpackParts } from "../../protocol/encoded-packet";
import type { Cast } from "../../protocol/messages";
import { offsetOfOrder } from "../../protocol/offset";
import { roomOfKey } from "../../protocol/room-key";
import type { WorkerLink } from "../link/link";
import type { Missed, SessionRestore } from "../recovery/session-restore";
import type { PacketEncoder } from "../socket-io/packet-encoder";
import { Membership, type Target } from "./membership";

type Packet = Pick<Cast, "payload" | "order"> & Partial<Cast>;
/** A packet of this adapter's server. Its scope is left out, because it is always that of the adapter. */
type OwnCast = Omit<Cast, "scope">;

/**
 * Writes encoded packets to this worker's clients of one namespace: packets of other workers; packets of its
 * own, once the primary has given them their place in the order; and packets that a returning client has
 * missed.
 */
export class Delivery {
  private readonly membership: Membership;
  private asked = false;

  constructor(
    private readonly adapter: Adapter,
    private readonly link: WorkerLink,
    private readonly encoder: PacketEncoder,
    /** Only with connection state recovery. */
    private readonly returning: SessionRestore | undefined,
  ) {
    this.membership = new Membership((sid) => adapter.sids.get(sid));
  }

  /** A socket joined or left a room. */
  noteChange(sid: string, room: string, joined: boolean): void {
    // A restored session joins its rooms anew, but has been a member of them all the while: that is no
    // change.
    if (!this.asked && !this.returning?.has(sid))
      this.membership.note(this.link.clock.now(), sid, room, joined);
  }

  /**
   * Makes changes that another worker has asked for (`socketsJoin`, say). They count from when it asked. Its
   * packets come in the order in which it emitted them, so those that come after the request find the new
   * members, and nothing has to be noted.
   */
  changeForOthers(change: () => void): void {
    this.asked = true;
    try {
      change();
    } finally {
      this.asked = false;
    }
  }

  fromElsewhere(cast: OwnCast): void {
    this.link.outbox.writeInPlace(() => this.inPlace(cast));
  }

  /** A packet of this worker was sent to the primary. It is written when its place has come back. */
  expectBack(cast: OwnCast): void {
    this.link.outbox.send({
      deliver: (order) => this.inPlace({ ...cast, order }),
      deliverTo: (sid) => {
        if (this.membership.includes(sid, cast.time ?? 0, targetOf(cast))) this.write(cast, only(sid));
      },
    });
  }

  /**
   * Writes what a client has missed while it was away. It is about to be told, or was just told, that it is
   * connected.
   */
  missed(sid: string, packets: readonly Missed[]): void {
    for (const packet of packets) this.write(packet, only(sid));
  }

  /**
   * Writes a packet to this worker's clients. One that was emitted at a known time is for those who were
   * members then: whoever has joined or left since is left out first, and those of them that were members get
   * it separately. Any other packet is for the present members.
   */
  private inPlace(cast: OwnCast): void {
    const target = targetOf(cast);
    if (cast.order !== undefined) this.returning?.collect(cast);
    const changed = cast.time === undefined ? [] : this.membership.changedSince(cast.time, target);
    if (changed.length === 0) {
      this.write(cast, target);
      return;
    }
    const sids = changed.map(({ sid }) => sid);
    this.write(cast, { rooms: target.rooms, except: new Set([...target.except, ...sids]) });
    const members = changed.filter(({ isMember }) => isMember).map(({ sid }) => sid);
    if (members.length > 0) this.write(cast, only(...members));
  }

  private write({ payload, order, volatile, compress }: Packet, { rooms, except }: Target): void {
    const offset = order === undefined ? undefined : offsetOfOrder(this.link.epoch, order);
    const packet = this.encoder.decodeLazily(unpackParts(payload), this.adapter.nsp, offset);
    const flags = { volatile: volatile || undefined, compress };
    Adapter.prototype.broadcast.call(this.adapter, packet, { rooms, except, flags } as BroadcastOptions);
  }
}

function only(...sids: string[]): Target {
  return { rooms: new Set(sids), except: new Set() };
}

function targetOf({ target }: OwnCast): Target {
  return {
    rooms: new Set(target.rooms.map(roomOfKey)) as Set<string>,
    except: new Set(target.except.map(roomOfKey)) as Set<string>,
  };
}
