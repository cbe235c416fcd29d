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
 * A session that the primary has given back, but whose client is not connected yet: middlewares may take
 * their time. Packets for it that come after the primary's answer are not in that answer, and the socket has
 * not joined its rooms yet. They are collected here:
 *
 *     answered ──▶ awaited ──joins its first room──▶ made ──joins while connected──▶ done: they are written
 *
 * They are written after the client was told that it is connected. (Socket.IO's own adapter would have the
 * packets of the answer written before that. A client whose connection breaks in between keeps them, and gets
 * them again the next time.)
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

/** Restores the sessions of one namespace, with what the primary has kept of them. */
export class SessionRestore {
  private readonly returning = new Map<string, Returning>();

  constructor(
    private readonly nsp: Nsp,
    private readonly scope: WorkerScope,
  ) {}

  /**
   * Socket.IO asks for a session by the private id and the last offset that its client names. There may be no
   * such session, in which case this resolves to `undefined`, although the type does not say so.
   */
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

  /** Keeps a packet for those returning sessions that it is for. */
  collect(cast: Pick<Cast, "order" | "payload" | "target">): void {
    for (const session of this.returning.values()) {
      const { order, payload } = cast;
      if (order !== undefined && isFor(cast, session.rooms)) session.missed.push({ order, payload });
    }
  }

  /**
   * A socket joined rooms. If it is that of a returning session, and is connected by now, returns what the
   * session came with and the packets that its client has yet to get.
   */
  joined(sid: string): { data: string; rooms: Set<RoomKey>; missed: Missed[] } | undefined {
    const session = this.returning.get(sid);
    if (!session) return undefined;
    session.state = "made";
    if (!this.nsp.sockets.has(sid)) return undefined;
    this.settle(session);
    return session;
  }

  /**
   * A socket left all rooms. If it is that of a returning session, which was not connected yet, returns the
   * data it came with.
   */
  left(sid: string): string | undefined {
    const session = this.returning.get(sid);
    if (session) this.settle(session);
    return session?.data;
  }

  /** Whether a session is on its way back here. */
  has(sid: string): boolean {
    return this.returning.has(sid);
  }

  /** Whether the session is here, but its socket was not made yet. */
  isAwaited(sid: string): boolean {
    return this.returning.get(sid)?.state === "awaited";
  }

  /** The session came too late: its client has got a new one. It goes back to the primary as it came. */
  giveBack({ nsp, sid, data, rooms }: SessionState): void {
    this.scope.send({ at: this.scope.clock.now(), type: "session-lost", nsp, sid, data });
    this.scope.send({ type: "settled", nsp, rooms: [EVERYBODY, ...rooms] });
  }

  /**
   * The session is no longer on its way: its socket is connected, or has left. A connected socket has told
   * the primary of its rooms like any other; so the primary need not count this worker as a member of them on
   * the session's behalf any longer.
   */
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
