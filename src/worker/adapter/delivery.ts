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
/** A packet with all that is known of it, but of whose server it is: that is this adapter's. */
type OwnCast = Omit<Cast, "scope">;

/**
 * Writes encoded packets to this worker's clients of one namespace: those of other workers, its own that have got their
 * place in the primary's order, and those that a returning client has missed.
 */
export class Delivery {
  private readonly membership: Membership;
  private asked = false;

  constructor(
    private readonly adapter: Adapter,
    private readonly link: WorkerLink,
    private readonly encoder: PacketEncoder,
    /** With connection state recovery only. */
    private readonly returning: SessionRestore | undefined,
  ) {
    this.membership = new Membership((sid) => adapter.sids.get(sid));
  }

  /** A socket joined or left a room. */
  noteChange(sid: string, room: string, joined: boolean): void {
    // A returning session has been a member all the while.
    if (!this.asked && !this.returning?.has(sid))
      this.membership.note(this.link.clock.now(), sid, room, joined);
  }

  /**
   * Another worker asks for changes: they happened when it asked. Its packets come in its order, so that there is nothing
   * to be noted.
   */
  changeForOthers(change: () => void): void {
    this.asked = true;
    try {
      change();
    } finally {
      this.asked = false;
    }
  }

  /** A packet of another worker. */
  fromElsewhere(cast: OwnCast): void {
    this.link.outbox.writeInPlace(() => this.inPlace(cast));
  }

  /** A packet of this worker is on its way to the primary, and comes back. */
  expectBack(cast: OwnCast): void {
    this.link.outbox.send({
      deliver: (order) => this.inPlace({ ...cast, order }),
      deliverTo: (sid) => {
        if (this.membership.includes(sid, cast.time ?? 0, targetOf(cast))) this.write(cast, only(sid));
      },
    });
  }

  /** What a client has missed that is about to be told that it is connected. */
  missed(sid: string, packets: readonly Missed[]): void {
    for (const packet of packets) this.write(packet, only(sid));
  }

  /** What has a place is for those who were members when it was emitted; the rest is for the members of now. */
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
