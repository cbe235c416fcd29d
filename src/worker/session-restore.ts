// SPDX-License-Identifier: MIT
import { debuglog } from "node:util";
import type { Session } from "socket.io-adapter";
import { unpackParts } from "../protocol/encoded-packet";
import type { Cast, Restored } from "../protocol/messages";
import { offsetOfOrder } from "../protocol/offset";
import { type RoomKey, roomOfKey } from "../protocol/room-key";
import type { WorkerLink } from "./link";
import { decodeData } from "./session-mirror";
import type { Nsp, PacketEncoder } from "./socket-io-internals";

const debug = debuglog("pm2-socket.io");

/** The primary answers at once, or after another worker gave the session up. */
const RESTORE_TIMEOUT_MS = 5000;

/**
 * A session on its way back. Packets that follow the primary's answer are not in it, and the socket has not joined its
 * rooms yet; they are collected here:
 *
 *     answered ──▶ awaited: packets are added to those that Socket.IO sends when it makes the socket
 *              ──joins its first room──▶ made: packets are held until the socket is connected
 *              ──joins while connected──▶ done: the held packets are delivered
 */
interface Returning {
  state: "awaited" | "made";
  sid: string;
  data: string;
  rooms: Set<RoomKey>;
  missed: unknown[][];
  held: Cast[];
}

/** Restores the sessions of one namespace. */
export class SessionRestore {
  private readonly requests = new Map<number, (answer: Restored) => void>();
  private readonly returning = new Map<string, Returning>();
  private static nextSeq = 1;

  constructor(
    private readonly nsp: Nsp,
    private readonly link: WorkerLink,
    private readonly encoder: PacketEncoder,
  ) {
    link.on("restored", this.onRestored);
  }

  close(): void {
    this.link.off("restored", this.onRestored);
  }

  /** What Socket.IO asks of an adapter; its type does not say that there may be no session. */
  restore(pid: string, offset: string): Promise<Session> {
    const seq = SessionRestore.nextSeq++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle({ type: "restored", seq, missed: [] }), RESTORE_TIMEOUT_MS);
      const settle = (answer: Restored) => {
        clearTimeout(timer);
        this.requests.delete(seq);
        resolve(this.begin(answer, pid) as Session);
      };
      this.requests.set(seq, settle);
      this.link.sendNow({ type: "restore", seq, nsp: this.nsp.name, pid, offset });
    });
  }

  /** Collects the packet for sessions that return. */
  collect(cast: Cast): void {
    for (const session of this.returning.values()) {
      if (!isFor(cast, session.rooms)) continue;
      if (session.state === "made") session.held.push(cast);
      else session.missed.push(this.dataOf(cast.payload, cast.order ?? 0));
    }
  }

  /**
   * A socket joined rooms. Once a returning one is connected, returns the data it came with and the packets that were
   * held for it.
   */
  joined(sid: string): { data: string; rooms: Set<RoomKey>; held: Cast[] } | undefined {
    const session = this.returning.get(sid);
    if (!session) return undefined;
    session.state = "made";
    if (!this.nsp.sockets.has(sid)) return undefined;
    this.returning.delete(sid);
    return session;
  }

  /** The socket left before it was connected: returns the data it came with. */
  left(sid: string): string | undefined {
    const session = this.returning.get(sid);
    this.returning.delete(sid);
    return session?.data;
  }

  /** Whether the session is here, but its socket not made yet. */
  isAwaited(sid: string): boolean {
    return this.returning.get(sid)?.state === "awaited";
  }

  private readonly onRestored = (answer: Restored) => {
    const settle = this.requests.get(answer.seq);
    const { session } = answer;
    if (settle) settle(answer);
    // Too late, its client was told that it is a new one.
    else if (session?.nsp === this.nsp.name) this.link.send({ ...session, type: "session-lost" });
  };

  private begin({ session, reason, missed }: Restored, pid: string): Session | undefined {
    if (!session) {
      debug("session %s of %s cannot be restored: %s", pid, this.nsp.name, reason ?? "no answer");
      return undefined;
    }
    const returning: Returning = {
      state: "awaited",
      sid: session.sid,
      data: session.data,
      rooms: new Set(session.rooms),
      missed: missed.map(({ payload, order }) => this.dataOf(payload, order)),
      held: [],
    };
    this.returning.set(session.sid, returning);
    const rooms = session.rooms.map(roomOfKey) as string[];
    return { sid: session.sid, pid, rooms, data: decodeData(session.data), missedPackets: returning.missed };
  }

  private dataOf(payload: Uint8Array, order: number): unknown[] {
    return this.encoder.decodeData(unpackParts(payload), this.nsp, offsetOfOrder(this.link.epoch, order));
  }
}

function isFor({ target, order }: Cast, rooms: ReadonlySet<RoomKey>): boolean {
  if (order === undefined) return false; // not kept: lost on clients that are away
  if (target.except.some((room) => rooms.has(room))) return false;
  return target.rooms.length === 0 || target.rooms.some((room) => rooms.has(room));
}
