// SPDX-License-Identifier: MIT
import { deserialize, serialize } from "node:v8";
import { keyOfRoom, type RoomKey } from "../../protocol/room-key";
import type { WorkerScope } from "../link/scopes";
import { sendable } from "../link/sendable";
import type { Nsp } from "../socket-io/objects";

/** How old the `socket.data` that the primary has may be when this process is killed. */
const DATA_INTERVAL_MS = 1000;
const NO_DATA = encodeData({});

/**
 * The mirrors that have sessions. One timer serves them all, and there is none while no mirror has a session:
 * an app with a thousand namespaces and no client does nothing.
 */
const mirrors = new Set<SessionMirror>();
let timer: NodeJS.Timeout | undefined;

/** `socket.data` as text for the link. Throws if it cannot be sent to another process. */
export function encodeData(data: unknown): string {
  return serialize(data).toString("base64");
}

export function decodeData(data: string): unknown {
  return deserialize(Buffer.from(data, "base64"));
}

/**
 * Tells the primary what the recoverable sessions of one namespace are at present, so that they can also be
 * restored if this process dies without a word. Sessions and their rooms are told at once, as they change:
 * whatever a client was told holds, even if this process stalls or dies right after. Data is told once a
 * second, and when the process exits by itself.
 */
export class SessionMirror {
  /** The data of each session as the primary was told last. */
  private readonly told = new Map<string, string>();
  /**
   * Connected sockets with ids that are no strings, because the app has set them. Nothing is told of these,
   * so they cannot be restored.
   */
  private readonly untold = new Set<unknown>();

  constructor(
    private readonly nsp: Nsp,
    private readonly scope: WorkerScope,
    private readonly onUnserializable: (error: Error) => void,
  ) {}

  close(): void {
    this.told.clear();
    this.watch();
  }

  /**
   * A socket is connected. Returns whether that was not known yet.
   *
   * @param restored what the primary has just given back of it, if it is a restored session
   */
  open(sid: string, rooms: Iterable<unknown>, restored?: { data: string; rooms: Set<RoomKey> }): boolean {
    const pid = this.nsp.sockets.get(sid)?.pid;
    if (pid === undefined || this.told.has(sid) || this.untold.has(sid)) return false;
    if (typeof sid !== "string") {
      this.untold.add(sid);
      return true;
    }
    const data = restored?.data ?? NO_DATA;
    this.told.set(sid, data);
    this.watch();
    const nsp = this.nsp.name;
    const keys = [...rooms].map(keyOfRoom).filter((key) => key !== undefined);
    if (!restored) {
      this.scope.sendNow({
        at: this.scope.clock.now(),
        type: "session-open",
        nsp,
        sid,
        pid,
        rooms: keys,
        data,
      });
      return true;
    }
    // The primary has just restored it, and knows it. But a middleware may have changed its rooms in the
    // meantime.
    const present = new Set(keys);
    const joined = keys.filter((key) => !restored.rooms.has(key));
    const left = [...restored.rooms].filter((key) => !present.has(key));
    if (joined.length + left.length > 0) {
      this.scope.sendNow({ at: this.scope.clock.now(), type: "session-rooms", nsp, sid, joined, left });
    }
    return true;
  }

  changeRoom(change: "joined" | "left", sid: string, room: unknown): void {
    const key = keyOfRoom(room);
    if (key === undefined || !this.told.has(sid)) return;
    const rooms = { joined: change === "joined" ? [key] : [], left: change === "left" ? [key] : [] };
    this.scope.sendNow({
      at: this.scope.clock.now(),
      type: "session-rooms",
      nsp: this.nsp.name,
      sid,
      ...rooms,
    });
  }

  /** The client is gone, but may come back. */
  lose(sid: string, data: unknown): void {
    if (!this.told.delete(sid)) return;
    this.watch();
    this.scope.send({
      at: this.scope.clock.now(),
      type: "session-lost",
      nsp: this.nsp.name,
      sid,
      data: this.encode(data),
    });
  }

  /**
   * The socket leaves all rooms. Unless {@link lose} was called before, the session is over. Returns whether
   * it is.
   */
  end(sid: string): boolean {
    if (this.untold.delete(sid)) return true;
    if (!this.told.delete(sid)) return false;
    this.watch();
    this.scope.send({ at: this.scope.clock.now(), type: "session-over", nsp: this.nsp.name, sid });
    return true;
  }

  /**
   * A session that was restored, but whose client left before it was connected, goes back to the primary as
   * it came.
   */
  giveBack(sid: string, data: string): void {
    this.scope.send({ at: this.scope.clock.now(), type: "session-lost", nsp: this.nsp.name, sid, data });
  }

  tellData(send: "send" | "sendNow" = "send"): void {
    for (const [sid, last] of this.told) {
      const socket = this.nsp.sockets.get(sid);
      const data = socket && this.encode(socket.data);
      if (data === undefined || data === last) continue;
      this.told.set(sid, data);
      this.scope[send]({ at: this.scope.clock.now(), type: "session-data", nsp: this.nsp.name, sid, data });
    }
  }

  /** Begins to look at the data with the first session, and ends it with the last. */
  private watch(): void {
    if (this.told.size > 0 === mirrors.has(this)) return;
    if (this.told.size === 0) {
      mirrors.delete(this);
      if (mirrors.size > 0) return;
      clearInterval(timer);
      process.off("exit", tellAllData);
    } else {
      mirrors.add(this);
      if (mirrors.size > 1) return;
      timer = this.scope.clock.every(DATA_INTERVAL_MS, () => {
        for (const mirror of mirrors) mirror.tellData();
      });
      process.on("exit", tellAllData);
    }
  }

  private encode(data: unknown): string {
    try {
      return isEmpty(data) ? NO_DATA : encodeData(data);
    } catch {
      return encodeData(sendable(data, this.onUnserializable));
    }
  }
}

function tellAllData(): void {
  for (const mirror of mirrors) mirror.tellData("sendNow");
}

function isEmpty(data: unknown): boolean {
  if (typeof data !== "object" || data === null) return false;
  for (const _ in data) return false;
  return Object.getPrototypeOf(data) === Object.prototype;
}
