// SPDX-License-Identifier: MIT

interface Change {
  /** When it happened, on the machine's monotonic clock. */
  at: number;
  sid: string;
  room: string;
  joined: boolean;
}

export interface Target {
  rooms: ReadonlySet<string>;
  except: ReadonlySet<string>;
}

/** A packet is not on its way for longer, in milliseconds: a link that is that slow is about to be closed. */
const KEEP_MS = 2000;
const MAX_CHANGES = 100_000;
const NONE: ReadonlySet<string> = new Set();

/**
 * Who joined and left which rooms of one namespace while packets were on their way: a packet is for those who were
 * members when it was emitted, here or in another worker.
 */
export class Membership {
  /** In the order in which they happened; those before `head` are forgotten. */
  private changes: Change[] = [];
  private head = 0;

  /** @param roomsOf the rooms of a socket at the moment; `undefined` if it is not connected any more */
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

  /** The sockets whose rooms have changed since the packet was emitted, and whether it is for them. */
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

  /** Whether a packet is for this socket. */
  includes(sid: string, emittedAt: number, target: Target): boolean {
    const changed = this.changedSince(emittedAt, target).find((each) => each.sid === sid);
    return changed?.isMember ?? isFor(target, sid, this.roomsOf(sid) ?? NONE);
  }
}

/** Whether a packet is for a socket with these rooms; one without its own room was not connected. */
function isFor({ rooms, except }: Target, sid: string, own: ReadonlySet<string>): boolean {
  if (!own.has(sid)) return false;
  for (const room of except) if (own.has(room)) return false;
  if (rooms.size === 0) return true;
  for (const room of rooms) if (own.has(room)) return true;
  return false;
}
