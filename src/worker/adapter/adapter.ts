// SPDX-License-Identifier: MIT
import { Adapter, type BroadcastOptions, MessageType, type Session } from "socket.io-adapter";
import { packParts } from "../../protocol/encoded-packet";
import type { Cast } from "../../protocol/messages";
import { EVERYBODY, keyOfRoom, keysOfRooms, type RoomKey } from "../../protocol/room-key";
import type { AdapterTerms, Receiver } from "../link/scopes";
import { throwLater } from "../link/throw-later";
import { SessionMirror } from "../recovery/session-mirror";
import { SessionRestore } from "../recovery/session-restore";
import { recoveryInProcess } from "../recovery/single-process";
import { countAcks } from "../socket-io/acks";
import { watchConnecting } from "../socket-io/connecting";
import type { Nsp, Packet } from "../socket-io/objects";
import { abandon, letFreshClientsRecover, pongMs, recoverableMs } from "../socket-io/recovering";
import { rememberClient } from "../socket-io/take-apart";
import { Delivery } from "./delivery";
import { type AdapterOptions, MessagingAdapter } from "./messaging-adapter";

/** Socket.IO's packet type for events. */
const EVENT = 2;

/**
 * A Socket.IO adapter that reaches the clients of all workers of an app, by way of the primary. A broadcast
 * is encoded once, by the worker that emits it, and goes only to workers that have a member of its rooms. The
 * primary knows them, because each adapter tells it which rooms have members. This spares the primary and the
 * other workers most of the work; the rows `bench/rows/relay.ts` and `bench/rows/rooms.ts` measure it.
 *
 * In a process that is not a cluster worker it is an in-memory adapter, and restores sessions as Socket.IO's
 * own does.
 */
export class NodeClusterAdapter extends MessagingAdapter {
  /** Only in a process that is no cluster worker, and with connection state recovery. */
  private readonly singleProcess: ReturnType<typeof recoveryInProcess>;
  /** Only in a cluster worker. */
  private readonly delivery: Delivery | undefined;
  /** Only in a cluster worker, and with connection state recovery; so is `returning`. */
  private readonly mirror: SessionMirror | undefined;
  private readonly returning: SessionRestore | undefined;
  private populated = false;
  /** What the primary is told of this adapter. */
  private readonly terms: AdapterTerms;
  /** How the link gives messages to this adapter. */
  private readonly receiver: Receiver = {
    uid: this.uid,
    nsp: this.nsp.name,
    onAdded: () => this.onAdded(),
    onCast: (cast) => this.delivery?.fromElsewhere(cast),
    onPublish: (publish) => this.onPublish(publish),
    onRespond: (payload) => this.onRespond(payload),
    onPeers: (came, went) => this.onPeers(came, went),
    onSurrender: (sid) => this.onSurrender(sid),
    onLateSession: (session) => this.returning?.giveBack(session),
    onAlone: () => this.onAlone(),
  };

  // biome-ignore lint/suspicious/noExplicitAny: a namespace of the app's own Socket.IO, in any version
  constructor(nsp: any, options: AdapterOptions = {}) {
    super(nsp, options);
    const { link, scope } = this;
    const recoverable = recoverableMs(nsp);
    this.terms = { recoverableMs: recoverable, pongMs: pongMs(nsp) };
    if (scope) scope.add(this.receiver, this.terms);
    // When `io.adapter()` is called again, Socket.IO does not close the former adapter, which would go on
    // answering other workers. It is closed here; and only after this one was added, because a server without
    // any adapter counts as closed.
    nsp.adapter?.close?.();
    if (!link || !scope) {
      this.singleProcess = recoveryInProcess(this, nsp);
      return;
    }
    if (recoverable !== undefined) {
      this.mirror = new SessionMirror(nsp, scope, (error) => this.report("socket.data", error));
      this.returning = new SessionRestore(nsp, scope);
      this.on("join-room", (room: string, sid: string) => this.onRoomChange("joined", sid, room));
      this.on("leave-room", (room: string, sid: string) => this.onRoomChange("left", sid, room));
      letFreshClientsRecover(nsp);
      watchConnecting(nsp);
    }
    this.delivery = new Delivery(this, link, this.packetEncoder, this.returning);
    this.on("create-room", (room: unknown) => this.tellInterest("joined", keyOfRoom(room)));
    this.on("delete-room", (room: unknown) => this.tellInterest("left", keyOfRoom(room)));
  }

  override close(): void {
    this.mirror?.close();
    // Packets for these rooms come until the primary knows that nobody here is in them any more.
    const left = [...this.rooms.keys()].map(keyOfRoom).filter((key) => key !== undefined);
    if (this.populated) left.push(EVERYBODY);
    this.populated = false;
    if (left.length > 0) this.scope?.send({ type: "interest", nsp: this.nsp.name, joined: [], left });
    this.scope?.remove(this.receiver);
  }

  override async broadcast(packet: Packet, opts: BroadcastOptions): Promise<void> {
    const target = this.link && !opts.flags?.local ? this.targetOf(opts) : undefined;
    const kept = target !== undefined && this.isKept(packet, opts);
    if (this.returning && !kept) endWithoutOffset(packet);
    try {
      this.packetEncoder.encodeOnce(packet, this.nsp.name);
    } catch (error) {
      this.report(String((packet.data as unknown[])?.[0]), error as Error);
      return;
    }
    if (this.singleProcess) {
      this.singleProcess.broadcast(packet, opts);
      return;
    }
    if (this.scope && target) {
      const cast = {
        type: "cast" as const,
        volatile: opts.flags?.volatile === true,
        compress: opts.flags?.compress,
        time: kept ? this.scope.clock.now() : undefined,
        target,
        payload: packParts(this.packetEncoder.encode(packet)),
      };
      // A packet that is kept has to leave the process before the app can tell anybody that it was emitted,
      // in an answer over HTTP, say. It is not written to the clients here before the primary has sent its
      // place back.
      const name = String((packet.data as unknown[])?.[0]);
      if (kept && this.scope.sendNow(cast, name)) {
        this.delivery!.expectBack(cast);
        return;
      }
      if (!kept) this.scope.send(cast, name);
    } else if (this.link) {
      // A room that is neither a string nor a number has no key, so the primary cannot know who has members:
      // all workers are told.
      this.tell(MessageType.BROADCAST, opts, { packet: packParts(this.packetEncoder.encode(packet)) });
    }
    Adapter.prototype.broadcast.call(this, packet, opts);
  }

  override addAll(id: string, rooms: Set<string>): void {
    // After `io.close()` an app may attach the server to another HTTP server. Its first client shows that. (A
    // socket that has disconnected may still join a room; it shows nothing.)
    if (this.nsp.sockets.has(id)) this.scope?.use(this.receiver, this.terms);
    super.addAll(id, rooms);
    this.tellPopulation();
    const restored = this.returning?.joined(id);
    const socket = this.mirror && this.nsp.sockets.get(id);
    if (socket) {
      countAcks(socket);
      rememberClient(socket);
      const isNew = this.mirror!.open(id, this.sids.get(id) ?? [], restored);
      if (isNew)
        this.link!.outbox.connects(socket.client, () => this.delivery!.missed(id, restored?.missed ?? []));
    }
  }

  override delAll(id: string): void {
    const data = this.returning?.left(id);
    const client = this.nsp.sockets.get(id)?.client;
    if (data !== undefined) this.mirror?.giveBack(id, data);
    // Before its rooms are forgotten: they tell which of the packets on their way are for this socket.
    else if (this.mirror?.end(id) && client) this.link!.outbox.flush(client, id);
    super.delAll(id);
    this.tellPopulation();
  }

  override persistSession(session: { sid: string; data: unknown }): void {
    this.mirror?.lose(session.sid, session.data);
    this.singleProcess?.persistSession(session as Session);
  }

  override restoreSession(pid: string, offset: string): Promise<Session> {
    if (this.singleProcess) return this.singleProcess.restoreSession(pid, offset);
    return this.returning && !this.link?.isDown
      ? this.returning.restore(pid, offset)
      : super.restoreSession(pid, offset);
  }

  protected override changeForOthers(change: () => void): void {
    this.delivery!.changeForOthers(change);
  }

  /**
   * Whether a packet is kept for clients that come back: events are, unless they are volatile or ask for an
   * acknowledgement.
   */
  private isKept(packet: Packet, { flags }: BroadcastOptions): boolean {
    if (!this.returning || this.link?.isDown || flags?.volatile) return false;
    return packet.type === EVENT && packet.id === undefined;
  }

  private targetOf({ rooms, except }: BroadcastOptions): Cast["target"] | undefined {
    const roomKeys = keysOfRooms(rooms);
    const exceptKeys = keysOfRooms(except ?? []);
    return roomKeys && exceptKeys && { nsp: this.nsp.name, rooms: roomKeys, except: exceptKeys };
  }

  /**
   * Tells the primary that a room has its first member here, or has lost its last. This leaves the process at
   * once: as soon as a client is told that it has joined, whatever is broadcast to the room has to reach it.
   */
  private tellInterest(change: "joined" | "left", key: RoomKey | undefined): void {
    if (key === undefined) return;
    const rooms: Record<typeof change, RoomKey[]> = { joined: [], left: [] };
    rooms[change].push(key);
    this.scope!.sendNow({ type: "interest", nsp: this.nsp.name, ...rooms });
  }

  /** Tells the primary whether there is any client here: only then packets for everybody come. */
  private tellPopulation(): void {
    const populated = this.sids.size > 0;
    if (!this.link || populated === this.populated) return;
    this.populated = populated;
    this.tellInterest(populated ? "joined" : "left", EVERYBODY);
  }

  private onRoomChange(change: "joined" | "left", sid: string, room: string): void {
    this.mirror?.changeRoom(change, sid, room);
    this.delivery!.noteChange(sid, room, change === "joined");
  }

  /**
   * The client of this socket has come back on another worker, and this one has not noticed yet that its old
   * connection is dead.
   */
  private onSurrender(sid: string): void {
    const { clock } = this.link!;
    if (this.returning?.isAwaited(sid)) {
      clock.nextTurn(() => throwLater(() => this.onSurrender(sid)));
      return;
    }
    abandon(this.nsp as unknown as Nsp, sid);
    this.scope?.send({ at: clock.now(), type: "surrendered", nsp: this.nsp.name, sid });
  }
}

/**
 * A client with connection state recovery takes a string at the end of any event for the event's offset, and
 * names it when it comes back. So an event that has no offset must not end with a string; `null` is added.
 */
function endWithoutOffset(packet: Packet): void {
  const args = packet.data as unknown[];
  if (packet.type === EVENT && packet.id === undefined && typeof args.at(-1) === "string") args.push(null);
}

/**
 * Creates the adapter: `io.adapter(createAdapter())`. It throws nothing. What cannot be sent to other workers
 * is left out, and reported once for each event in the error log: `STICKY_UNSERIALIZABLE` if it cannot be
 * encoded, `STICKY_TOO_LARGE` if it is larger than `linkBuffer` allows.
 *
 * @param options see {@link AdapterOptions}
 */
// biome-ignore lint/suspicious/noExplicitAny: a namespace of the app's own Socket.IO, in any version
export function createAdapter(options: AdapterOptions = {}): (nsp: any) => NodeClusterAdapter {
  // Socket.IO calls this with `new`, which an arrow function does not allow.
  return function adapterFor(nsp) {
    return new NodeClusterAdapter(nsp, options);
  };
}
