import { serialize } from "node:v8";
import type { Server } from "socket.io";
import type { MadeSession, SessionMaker } from "./session-maker";

/** This package's link to the primary, of which there is one in each worker. */
interface Link {
  send(message: object): void;
}
/** Its symbol ends with the version of the link. */
const LINK = "pm2-socket.io/link/";

/** By raw frames: this package's adapter tells the primary of sessions from their beginning, and of their rooms. */
export class LinkedSessions implements SessionMaker {
  private readonly made: MadeSession[] = [];

  private constructor(
    private readonly io: Server,
    private readonly link: Link,
  ) {}

  /** `undefined` in a worker of another program. */
  static of(io: Server): LinkedSessions | undefined {
    const symbol = Object.getOwnPropertySymbols(process).find((each) => each.description?.startsWith(LINK));
    const link = symbol && (process as unknown as Record<symbol, Link | undefined>)[symbol];
    return link && new LinkedSessions(io, link);
  }

  make(session: MadeSession): void {
    this.made.push(session);
    this.tellInterest({ joined: [keyOf(session.sid)], left: [] });
    const { sid, pid, rooms } = session;
    this.tell({ type: "session-open", sid, pid, rooms: rooms.map(keyOf), data: encoded(session) });
  }

  lose(): number {
    for (const session of this.made) {
      this.tell({ type: "session-lost", sid: session.sid, data: encoded(session) });
      this.tellInterest({ joined: [], left: [keyOf(session.sid)] });
    }
    return this.made.length;
  }

  /** The primary answers in the order in which it was told. */
  settled(): Promise<unknown> {
    return this.io.of("/").adapter.restoreSession("nobody", "");
  }

  private tell(message: object): void {
    this.link.send({ ...message, nsp: "/", at: Number(process.hrtime.bigint()) / 1e6 });
  }

  private tellInterest(rooms: { joined: string[]; left: string[] }): void {
    this.link.send({ type: "interest", nsp: "/", ...rooms });
  }
}

function keyOf(room: string): string {
  return `s${room}`;
}

function encoded({ data }: MadeSession): string {
  return serialize(data).toString("base64");
}
