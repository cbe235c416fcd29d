// SPDX-License-Identifier: MIT

interface Change {
  /** When it happened, on the machine's monotonic clock, in milliseconds. */
  at: number;
  sid: string;
  room: string;
  joined: boolean;
}

export interface Target {
  rooms: ReadonlySet<string>;
  except: ReadonlySet<string>;
}

/**
 * For how long changes are remembered. A packet that is on its way for longer comes over a link that is about
 * to be closed.
 */
const KEEP_MS = 2000;
const MAX_CHANGES = 100_000;
const NONE: ReadonlySet<string> = new Set();

/**
 * Remembers who joined and left which rooms of one namespace, for a short time. A packet is for those who
 * were members when it was emitted, and it arrives a little later. For example, a socket that leaves a room
 * just after a packet for it was emitted still gets the packet.
 */
export class Membership {
  /** In the order in which they happened; those before `head` are forgotten. */
  private changes: Change[] = [];
  private head = 0;

  /** @param roomsOf the rooms that a socket is in at present; `undefined` if it is not connected any more */
  constructor(private readonly roomsOf: (sid: string) => ReadonlySet<string> | undefined) {}

  note(at: number, sid: string, room: string, joined: boolean): void {
    this.changes.push({ at, sid, room, joined });
    while (this.changes[this.head]!.at < at - KEEP_MS || this.changes.length - this.head > MAX_CHANGES) {
      this.head++;
    }
    if (this.head * 2 > this.changes.length) {
      this.changes = this.changes.slice(this.head);
      this.head = 0;
    }
  }

  /**
   * The sockets whose rooms have changed since a packet was emitted, and for each whether the packet is for
   * it. Starts from the present rooms and takes the changes back, the latest first.
   */
  changedSince(emittedAt: number, target: Target): { sid: string; isMember: boolean }[] {
    const rooms = new Map<string, Set<string>>();
    for (let i = this.changes.length - 1; i >= this.head; i--) {
      const { at, sid, room, joined } = this.changes[i]!;
      if (at <= emittedAt) break;
      const before = rooms.get(sid) ?? new Set(this.roomsOf(sid));
      rooms.set(sid, before);
      if (joined) before.delete(room);
      else before.add(room);
    }
    return [...rooms].map(([sid, before]) => ({ sid, isMember: isFor(target, sid, before) }));
  }

  /** Whether a packet that was emitted then is for this socket. */
  includes(sid: string, emittedAt: number, target: Target): boolean {
    const changed = this.changedSince(emittedAt, target).find((each) => each.sid === sid);
    return changed?.isMember ?? isFor(target, sid, this.roomsOf(sid) ?? NONE);
  }
}

/**
 * Whether a packet is for a socket that is in these rooms. A socket joins the room of its own id when it
 * connects; one that is not in that room counts as not connected.
 */
function isFor({ rooms, except }: Target, sid: string, own: ReadonlySet<string>): boolean {
  if (!own.has(sid)) return false;
  for (const room of except) if (own.has(room)) return false;
  if (rooms.size === 0) return true;
  for (const room of rooms) if (own.has(room)) return true;
  return false;
}
