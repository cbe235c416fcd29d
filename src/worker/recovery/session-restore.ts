// SPDX-License-Identifier: MIT
import type { Session } from "socket.io-adapter";
import { debug } from "../../log";
import type { Cast, Restored, SessionState } from "../../protocol/messages";
import { EVERYBODY, type RoomKey, roomOfKey } from "../../protocol/room-key";
import { RESTORE_TIMEOUT_MS } from "../../protocol/timing";
import type { WorkerScope } from "../link/scopes";
import type { Nsp } from "../socket-io/objects";
import { decodeData } from "./session-mirror";

/**
 * A session on its way back. Packets that follow the primary's answer are not in it, and the socket has not joined its
 * rooms yet; they are collected here:
 *
 *     answered ──▶ awaited ──joins its first room──▶ made ──joins while connected──▶ done: they are written
 *
 * They are written after the client was told that it is connected. (Socket.IO itself would write those of the answer
 * before; a client whose connection breaks in between keeps them, and gets them again the next time.)
 */
interface Returning {
  state: "awaited" | "made";
  sid: string;
  data: string;
  rooms: Set<RoomKey>;
  missed: Missed[];
}

/** A packet that the client of a returning session has yet to get. */
export type Missed = Restored["missed"][number];

/** Restores the sessions of one namespace. */
export class SessionRestore {
  private readonly returning = new Map<string, Returning>();

  constructor(
    private readonly nsp: Nsp,
    private readonly scope: WorkerScope,
  ) {}

  /** What Socket.IO asks of an adapter; its type does not say that there may be no session. */
  restore(pid: string, offset: string): Promise<Session> {
    const question = {
      at: this.scope.clock.now(),
      type: "restore" as const,
      nsp: this.nsp.name,
      pid,
      offset,
    };
    return this.scope.ask(
      question,
      RESTORE_TIMEOUT_MS,
      (answer) => this.begin(answer ?? { missed: [] }, pid) as Session,
    );
  }

  /** Collects the packet for sessions that return. */
  collect(cast: Pick<Cast, "order" | "payload" | "target">): void {
    for (const session of this.returning.values()) {
      const { order, payload } = cast;
      if (order !== undefined && isFor(cast, session.rooms)) session.missed.push({ order, payload });
    }
  }

  /** A socket joined rooms. Once a returning one is connected, returns what it came with and the packets for it. */
  joined(sid: string): { data: string; rooms: Set<RoomKey>; missed: Missed[] } | undefined {
    const session = this.returning.get(sid);
    if (!session) return undefined;
    session.state = "made";
    if (!this.nsp.sockets.has(sid)) return undefined;
    this.settle(session);
    return session;
  }

  /** The socket left before it was connected: returns the data it came with. */
  left(sid: string): string | undefined {
    const session = this.returning.get(sid);
    if (session) this.settle(session);
    return session?.data;
  }

  /** Whether a session is on its way back here. */
  has(sid: string): boolean {
    return this.returning.has(sid);
  }

  /** Whether the session is here, but its socket not made yet. */
  isAwaited(sid: string): boolean {
    return this.returning.get(sid)?.state === "awaited";
  }

  /** The session's client has been told meanwhile that it has a new one. */
  giveBack({ nsp, sid, data, rooms }: SessionState): void {
    this.scope.send({ at: this.scope.clock.now(), type: "session-lost", nsp, sid, data });
    this.scope.send({ type: "settled", nsp, rooms: [EVERYBODY, ...rooms] });
  }

  /** The session's rooms have been told as others are, or are not needed. */
  private settle({ sid, rooms }: Returning): void {
    this.returning.delete(sid);
    this.scope.send({ type: "settled", nsp: this.nsp.name, rooms: [EVERYBODY, ...rooms] });
  }

  private begin(
    { session, reason, missed }: Omit<Restored, "type" | "seq">,
    pid: string,
  ): Session | undefined {
    if (!session) {
      debug("session %s of %s cannot be restored: %s", pid, this.nsp.name, reason ?? "no answer");
      return undefined;
    }
    const returning: Returning = {
      state: "awaited",
      sid: session.sid,
      data: session.data,
      rooms: new Set(session.rooms),
      missed,
    };
    this.returning.set(session.sid, returning);
    const rooms = session.rooms.map(roomOfKey) as string[];
    return { sid: session.sid, pid, rooms, data: decodeData(session.data), missedPackets: [] };
  }
}

function isFor({ target }: Pick<Cast, "target">, rooms: ReadonlySet<RoomKey>): boolean {
  if (target.except.some((room) => rooms.has(room))) return false;
  return target.rooms.length === 0 || target.rooms.some((room) => rooms.has(room));
}
