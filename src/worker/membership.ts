// SPDX-License-Identifier: MIT

interface Change {
  /** How many packets had been emitted before. */
  after: number;
  sid: string;
  room: string;
  joined: boolean;
}

export interface Target {
  rooms: ReadonlySet<string>;
  except: ReadonlySet<string>;
}

/**
 * Who joined and left which rooms of one namespace while packets were on their way: a packet is for those who were
 * members when it was emitted.
 */
export class Membership {
  /** In the order in which they happened. */
  private readonly changes: Change[] = [];

  /** @param roomsOf the rooms of a socket at the moment; `undefined` if it is not connected any more */
  constructor(private readonly roomsOf: (sid: string) => ReadonlySet<string> | undefined) {}

  note(after: number, sid: string, room: string, joined: boolean): void {
    this.changes.push({ after, sid, room, joined });
  }

  /** Packets up to this number are not on their way any more. */
  forgetUntil(back: number): void {
    let old = 0;
    while (old < this.changes.length && this.changes[old]!.after <= back) old++;
    if (old > 0) this.changes.splice(0, old);
  }

  /**
   * The sockets whose rooms have changed since the packet of this number was emitted, and whether it is for them.
   */
  changedSince(emitted: number, target: Target): Map<string, boolean> {
    const matches = new Map<string, boolean>();
    if (this.changes.length === 0) return matches;
    const rooms = new Map<string, Set<string>>();
    for (let i = this.changes.length - 1; i >= 0; i--) {
      const { after, sid, room, joined } = this.changes[i]!;
      if (after < emitted) break;
      const before = rooms.get(sid) ?? new Set(this.roomsOf(sid));
      rooms.set(sid, before);
      if (joined) before.delete(room);
      else before.add(room);
    }
    for (const [sid, before] of rooms) matches.set(sid, isFor(target, sid, before));
    return matches;
  }

  /** Whether the packet of this number is for this socket. */
  includes(sid: string, emitted: number, target: Target): boolean {
    const changed = this.changedSince(emitted, target);
    return changed.get(sid) ?? isFor(target, sid, this.roomsOf(sid) ?? NONE);
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Whether a packet is for a socket with these rooms; one without its own room was not connected. */
function isFor({ rooms, except }: Target, sid: string, own: ReadonlySet<string>): boolean {
  if (!own.has(sid)) return false;
  for (const room of except) if (own.has(room)) return false;
  if (rooms.size === 0) return true;
  for (const room of rooms) if (own.has(room)) return true;
  return false;
}
