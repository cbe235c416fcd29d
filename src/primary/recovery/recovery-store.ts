// SPDX-License-Identifier: MIT
import type { NotRestored, SessionState } from "../../protocol/messages";
import { keyIn, type NamespacedKey, type RoomKey } from "../../protocol/room-key";

/**
 * A session that can be restored, as its worker has told so far:
 *
 *     live on a worker ──lost, or the worker died──▶ lost ──restored──▶ live on another worker
 *        └──over──▶ forgotten                          └──expired, evicted──▶ forgotten
 */
export interface StoredSession<W> {
  scope: number;
  nsp: string;
  sid: string;
  pid: string;
  /** The worker it lives on; `undefined` once it is lost or forgotten. */
  worker: W | undefined;
  /** Its rooms, each with the order of the last packet before it joined. */
  rooms: Map<RoomKey, number>;
  /** Rooms that it has left. Its client may not have received all packets from the time when it was a member. */
  past: PastRoom[];
  data: string;
  /**
   * The order of the last packet before it was opened. A client that has received no packet yet has
   * missed those after it.
   */
  openedAt: number;
  lostAtMs: number;
  /** While it is lost: how many bytes its data and rooms take. All else is bounded by the number of sessions. */
  bytes: number;
  /** Since when it has been live on its worker. */
  aliveSinceMs: number;
  /** The order of the last packet that counts as received by its client, whatever offset that names: see `Recovery`. */
  heardOrder: number;
}

/** A room that was left: the order of the last packet before it was joined, and that of the last before it was left. */
export interface PastRoom {
  room: RoomKey;
  after: number;
  until: number;
}

/** Roughly how many bytes a room takes beside its name. */
const ROOM_BYTES = 100;
/** How many rooms that a session has left are remembered. */
const MAX_PAST_ROOMS = 100;
/** Of how many forgotten sessions it is remembered why they cannot be restored. */
const MAX_FORGOTTEN = 10_000;

/**
 * The sessions of one app, live and lost. How long, how many and how large lost sessions may be is bounded. Pure; the
 * clock comes from outside.
 */
export class RecoveryStore<W> {
  private readonly bySid = new Map<NamespacedKey, StoredSession<W>>();
  private readonly byPid = new Map<NamespacedKey, StoredSession<W>>();
  /** In the order in which they were lost. */
  private readonly lost = new Set<StoredSession<W>>();
  private readonly forgotten = new Map<NamespacedKey, NotRestored>();
  /** How many bytes the lost sessions take. */
  bytes = 0;
  /** How many lost sessions were forgotten for want of room. */
  evicted = 0;

  constructor(
    private readonly maxLost: number,
    private readonly maxBytes: number,
    private readonly now: () => number,
  ) {}

  get size(): number {
    return this.bySid.size;
  }

  open(worker: W, state: SessionState, order: number): StoredSession<W> {
    const rooms = new Map(state.rooms.map((room) => [room, order]));
    const { scope, nsp, sid, pid, data } = state;
    const times = { openedAt: order, heardOrder: order, lostAtMs: 0, bytes: 0, aliveSinceMs: this.now() };
    const session = { scope, nsp, sid, pid, data, worker, rooms, past: [], ...times };
    this.put(session);
    return session;
  }

  /** The live session that this worker calls by this id, if there is one. */
  get(worker: W, scope: number, nsp: string, sid: string): StoredSession<W> | undefined {
    const session = this.bySid.get(keyIn(scope, nsp, sid));
    return session?.worker === worker ? session : undefined;
  }

  find(scope: number, nsp: string, pid: string): StoredSession<W> | NotRestored {
    const key = keyIn(scope, nsp, pid);
    return this.byPid.get(key) ?? this.forgotten.get(key) ?? "unknown";
  }

  lose(session: StoredSession<W>): void {
    session.worker = undefined;
    session.lostAtMs = this.now();
    this.lost.add(session);
    session.bytes = bytesOf(session);
    this.bytes += session.bytes;
    for (const oldest of this.lost) {
      if (this.lost.size <= this.maxLost && this.bytes <= this.maxBytes) return;
      this.forget(oldest, "evicted");
      this.evicted++;
    }
  }

  /** @param order of the last packet before the session left the room */
  leaveRoom(session: StoredSession<W>, room: RoomKey, order: number): void {
    const after = session.rooms.get(room);
    if (after === undefined) return;
    session.rooms.delete(room);
    if (order > after) session.past.push({ room, after, until: order });
    if (session.past.length > MAX_PAST_ROOMS) session.past.shift();
  }

  revive(session: StoredSession<W>, worker: W): void {
    this.noLongerLost(session);
    session.worker = worker;
    session.aliveSinceMs = this.now();
  }

  /** All live sessions of a worker. */
  *of(worker: W): Iterable<StoredSession<W>> {
    for (const session of this.bySid.values()) if (session.worker === worker) yield session;
  }

  /** Forgets the sessions that were lost more than `maxAgeMs` ago. */
  expire(maxAgeMs: number): void {
    const limit = this.now() - maxAgeMs;
    for (const session of this.lost) {
      if (session.lostAtMs >= limit) return;
      this.forget(session, "expired");
    }
  }

  forget(session: StoredSession<W>, why: NotRestored = "unknown"): void {
    const { scope, nsp, sid, pid } = session;
    session.worker = undefined;
    this.noLongerLost(session);
    this.bySid.delete(keyIn(scope, nsp, sid));
    this.byPid.delete(keyIn(scope, nsp, pid));
    if (why === "unknown") return;
    this.forgotten.set(keyIn(scope, nsp, pid), why);
    if (this.forgotten.size > MAX_FORGOTTEN) this.forgotten.delete(this.forgotten.keys().next().value!);
  }

  private noLongerLost(session: StoredSession<W>): void {
    if (this.lost.delete(session)) this.bytes -= session.bytes;
  }

  /** Adds a session. It replaces any that had one of its ids, so that both maps always contain the same sessions. */
  private put(session: StoredSession<W>): void {
    const { scope, nsp, sid, pid } = session;
    const former = this.bySid.get(keyIn(scope, nsp, sid));
    if (former) this.forget(former);
    const namesake = this.byPid.get(keyIn(scope, nsp, pid));
    if (namesake) this.forget(namesake);
    this.bySid.set(keyIn(scope, nsp, sid), session);
    this.byPid.set(keyIn(scope, nsp, pid), session);
  }
}

function bytesOf({ data, rooms, past }: StoredSession<unknown>): number {
  let bytes = data.length;
  for (const room of rooms.keys()) bytes += ROOM_BYTES + room.length;
  for (const { room } of past) bytes += ROOM_BYTES + room.length;
  return bytes;
}
