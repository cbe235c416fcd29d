// SPDX-License-Identifier: MIT
import { randomBytes } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import {
  Adapter,
  type BroadcastOptions,
  ClusterAdapter,
  type ClusterAdapterOptions,
  type ClusterMessage,
  type ClusterResponse,
  MessageType,
} from "socket.io-adapter";
import { createClock } from "../../clock";
import { describe } from "../../errors";
import { packParts, unpackParts } from "../../protocol/encoded-packet";
import type { Publish } from "../../protocol/messages";
import { keysOfRooms, type RoomKey } from "../../protocol/room-key";
import { link } from "../link/link";
import type { WorkerScope } from "../link/scopes";
import { sendable } from "../link/sendable";
import { throwLater } from "../link/throw-later";
import type { Nsp, Packet } from "../socket-io/objects";
import { PacketEncoder } from "../socket-io/packet-encoder";
import { AckRequests } from "./ack-requests";
import { Peers } from "./peers";
import { type Answers, Requests } from "./requests";

type FetchedSocket = { data: unknown; handshake: unknown };
type Published = ClusterMessage | (ClusterResponse & { nsp: string });

/**
 * How long other workers may take to answer, unless the app says something else. It is Socket.IO's own
 * default.
 */
const ANSWER_TIMEOUT_MS = 5000;
/** The default of `heartbeatTimeout`, which is Socket.IO's own. */
const SILENCE_MS = 10_000;

/**
 * Options of {@link createAdapter}; all may be left out.
 *
 * - `heartbeatTimeout` (milliseconds, 10,000 by default): a worker that was asked for something and has said
 *   nothing for so long stands still. It is not waited for any more until it is heard again.
 * - `heartbeatInterval`, and `requestsTimeout` of older releases, are accepted and have no effect: the
 *   primary knows which workers there are.
 */
export interface AdapterOptions extends ClusterAdapterOptions {
  /** Accepted for the sake of older releases; it has no effect. */
  requestsTimeout?: number;
}

/**
 * What the adapters of different workers ask each other, by way of the primary: which sockets there are; to
 * let sockets join, leave or disconnect; and to broadcast a packet that clients are to acknowledge.
 * (Broadcasts without acknowledgements travel in another way, see {@link NodeClusterAdapter}.)
 *
 * The primary tells whoever asks which adapters its question has reached. So one that was made a moment ago
 * is not forgotten, and one that has just gone is not waited for.
 */
export abstract class MessagingAdapter extends ClusterAdapter {
  /** `undefined` in a process that is not a cluster worker. */
  protected readonly link = link();
  private readonly clock = this.link?.clock ?? createClock();
  /** The Socket.IO server of this adapter, as other processes know it. */
  protected readonly scope: WorkerScope | undefined;
  private readonly reported = new Set<string>();
  private readonly acks = new AckRequests();
  private readonly peers: Peers;
  private readonly openRequests: Requests;
  protected readonly packetEncoder = new PacketEncoder(this);

  // biome-ignore lint/suspicious/noExplicitAny: a namespace of the app's own Socket.IO, in any version
  constructor(nsp: any, options: AdapterOptions) {
    super(nsp);
    this.scope = this.link?.scopes.of(nsp.server);
    this.peers = new Peers(this.clock, options.heartbeatTimeout ?? SILENCE_MS);
    this.openRequests = new Requests(this.clock, this.peers);
  }

  /** Makes changes that another worker has asked for. */
  protected abstract changeForOthers(change: () => void): void;

  override async serverCount(): Promise<number> {
    if (this.link) await this.peers.known;
    return 1 + this.peers.count;
  }

  override broadcastWithAck(
    packet: Packet,
    opts: BroadcastOptions,
    clientCountCallback: (clients: number) => void,
    ack: (value: unknown) => void,
  ): void {
    const timeoutMs = opts.flags?.timeout ?? 0;
    const encoded = !this.link || opts.flags?.local ? undefined : this.encoded(packet);
    // Socket.IO also asks for the number of servers, waits until this callback was called once for each of
    // them, and adds up what it was told. So the sum is told in one call, and nothing in the others.
    const servers = this.serverCount();
    let own = 0;
    const count = (ofOthers: number) => {
      const tell = (all: number) => {
        for (let others = all - 1; others > 0; others--) clientCountCallback(0);
        clientCountCallback(own + ofOthers);
      };
      void servers.then((all) => throwLater(() => tell(all)));
    };
    if (encoded) {
      const requestId = randomBytes(8).toString("hex");
      const message = this.message(MessageType.BROADCAST, opts, { packet: encoded, requestId });
      const caller = { count, answer: ack };
      void this.ask(message, timeoutMs, opts.rooms, (uids) => {
        if (uids) this.acks.open(requestId, this.peers.ask(uids), caller);
        else if (this.unreachable === 0) count(0);
      });
      this.clock.after(timeoutMs, () => this.acks.close(requestId));
    }
    Adapter.prototype.broadcastWithAck.call(
      this,
      packet,
      opts,
      (clients: number) => {
        own = clients;
      },
      ack,
    );
    if (!encoded) count(0);
  }

  // biome-ignore lint/suspicious/noExplicitAny: sockets as Socket.IO types them, in any version
  override async fetchSockets(opts: BroadcastOptions): Promise<any[]> {
    const own = (await Adapter.prototype.fetchSockets.call(this, opts)) as unknown[];
    if (!this.link || opts.flags?.local) return own;
    const requestId = randomBytes(8).toString("hex");
    const message = this.message(MessageType.FETCH_SOCKETS, opts, { requestId });
    const timeoutMs = opts.flags?.timeout || ANSWER_TIMEOUT_MS;
    const { answers, missing } = await this.answersTo(message, requestId, timeoutMs, opts.rooms);
    if (missing > 0) throw new Error(`timeout reached: missing ${missing} responses`);
    return [...own, ...answers];
  }

  override async serverSideEmit(packet: unknown[]): Promise<void> {
    const ack = packet.at(-1);
    if (typeof ack !== "function") {
      this.publish({ type: MessageType.SERVER_SIDE_EMIT, data: { packet } } as never);
      return;
    }
    const requestId = randomBytes(8).toString("hex");
    const data = { requestId, packet: packet.slice(0, -1) };
    const message = { type: MessageType.SERVER_SIDE_EMIT, data } as ClusterMessage;
    const { answers, missing } = await this.answersTo(message, requestId, ANSWER_TIMEOUT_MS);
    const error = missing > 0 ? new Error(`timeout reached: missing ${missing} responses`) : null;
    throwLater(() => ack(error, answers));
  }

  // The sockets of this worker change at once, because what the app does next may count on it. Socket.IO's
  // own adapter would change them only after the others were told.
  override async addSockets(opts: BroadcastOptions, rooms: string[]): Promise<void> {
    this.tell(MessageType.SOCKETS_JOIN, opts, { rooms });
    Adapter.prototype.addSockets.call(this, opts, rooms);
  }

  override async delSockets(opts: BroadcastOptions, rooms: string[]): Promise<void> {
    this.tell(MessageType.SOCKETS_LEAVE, opts, { rooms });
    Adapter.prototype.delSockets.call(this, opts, rooms);
  }

  override async disconnectSockets(opts: BroadcastOptions, close: boolean): Promise<void> {
    this.tell(MessageType.DISCONNECT_SOCKETS, opts, { close });
    Adapter.prototype.disconnectSockets.call(this, opts, close);
  }

  /** Publishes a message, unless it is for this worker alone. */
  protected tell(type: MessageType, opts: BroadcastOptions, what: object): void {
    if (!opts.flags?.local) this.publish(this.message(type, opts, what));
  }

  private message(type: MessageType, opts: BroadcastOptions, what: object): ClusterMessage {
    const data = { opts: { ...opts, rooms: [...opts.rooms], except: [...(opts.except ?? [])] }, ...what };
    return { type, data } as never;
  }

  /** Asks the other workers, and waits for their answers. */
  private answersTo(
    message: ClusterMessage,
    requestId: string,
    timeoutMs: number,
    rooms?: Iterable<unknown>,
  ): Promise<Answers> {
    const deadline = this.clock.now() + timeoutMs;
    return this.ask(message, timeoutMs, rooms, (uids) => {
      if (uids) return this.openRequests.wait(requestId, uids, deadline - this.clock.now());
      return { answers: [], missing: this.unreachable };
    });
  }

  /**
   * How many adapters have not been reached by a question that could not be sent. It is none if this worker
   * is on its own: then its own answer is all there is.
   */
  private get unreachable(): number {
    return this.link?.isOpen && !this.scope?.isClosed ? this.peers.count : 0;
  }

  /**
   * Publishes a question. `take` is called with the names of those whom it has reached, before the first of
   * their answers is heard: so `take` is where to begin to wait for them.
   *
   * @param rooms only workers with a member of these rooms are asked; if there are none in it, those with any
   *   client. If it is left out, all are asked.
   * @param take is given `undefined` in place of the names if the question was not sent
   */
  private async ask<R>(
    message: ClusterMessage,
    timeoutMs: number,
    rooms: Iterable<unknown> | undefined,
    take: (uids: string[] | undefined) => R | Promise<R>,
  ): Promise<R> {
    const nsp = this.nsp.name;
    const payload = this.scope && this.serialized({ ...message, uid: this.uid, nsp } as ClusterMessage);
    if (!payload) return take(undefined);
    const asks = rooms && keysOfRooms(rooms);
    const question = { type: "publish" as const, nsp, asks, payload };
    return this.scope!.ask(question, timeoutMs, (answer) => take(answer?.uids), eventName(message));
  }

  /**
   * The packet's encoding, as clients of this worker get it. Thus anything can be sent that the app's own
   * encoder takes.
   */
  private encoded(packet: Packet): Uint8Array | undefined {
    try {
      return packParts(this.packetEncoder.encode({ ...packet, nsp: this.nsp.name }));
    } catch (error) {
      this.report(String((packet.data as unknown[])?.[0]), error as Error);
      return undefined;
    }
  }

  override onMessage(message: ClusterMessage, offset?: string): void {
    if (message.type === MessageType.BROADCAST) {
      const data = message.data as unknown as { packet: unknown };
      data.packet = this.packetEncoder.decode(
        unpackParts(data.packet as Uint8Array),
        this.nsp as unknown as Nsp,
      );
    }
    // Whether an answer comes, and when, is up to the app here. So the worker that asks is told at once that
    // this one lives.
    if (message.type === MessageType.SERVER_SIDE_EMIT && message.data.requestId !== undefined) {
      this.showAlive(message.uid);
    }
    super.onMessage(message, offset as never);
  }

  /**
   * Tells another worker that this one does not stand still, where there is no answer (yet) that shows it.
   */
  private showAlive(uid: string): void {
    const sign = { type: MessageType.HEARTBEAT, uid: this.uid, nsp: this.nsp.name };
    this.link?.send({ type: "respond", uid, payload: serialize(sign) });
  }

  override onResponse(response: ClusterResponse): void {
    const { uid } = response as unknown as { uid: string };
    switch (response.type) {
      case MessageType.BROADCAST_CLIENT_COUNT:
        this.acks.told(response.data.requestId, uid, response.data.clientCount);
        break;
      case MessageType.BROADCAST_ACK:
        this.acks.answered(response.data.requestId, uid, response.data.packet);
        break;
      case MessageType.FETCH_SOCKETS_RESPONSE:
        this.openRequests.answered(response.data.requestId, uid, response.data.sockets as unknown[]);
        break;
      case MessageType.SERVER_SIDE_EMIT_RESPONSE:
        this.openRequests.answered(response.data.requestId, uid, [response.data.packet]);
        break;
    }
  }

  protected override async doPublish(message: ClusterMessage): Promise<string> {
    const payload = this.scope && this.serialized(message);
    const publish = { type: "publish" as const, nsp: this.nsp.name, joins: joinsOf(message) };
    if (payload) this.scope?.send({ ...publish, payload }, eventName(message));
    return ""; // no offset: packets get theirs as casts, from the primary
  }

  protected override async doPublishResponse(uid: string, response: ClusterResponse): Promise<void> {
    const answer = response as unknown as Published;
    const payload = this.link && this.serialized(answer);
    const isSent = payload && this.link?.send({ type: "respond", uid, payload }, eventName(answer));
    if (!isSent) this.showAlive(uid);
  }

  private serialized(message: Published): Buffer | undefined {
    try {
      return serialize(message);
    } catch (error) {
      const less = this.reduced(message);
      if (less) return this.serialized(less);
      this.report(eventName(message), error as Error);
      return undefined;
    }
  }

  /**
   * An answer to `fetchSockets` without what cannot be sent; `undefined` if that is not why the message
   * cannot be sent.
   */
  private reduced(message: Published): Published | undefined {
    if (message.type !== MessageType.FETCH_SOCKETS_RESPONSE) return undefined;
    let dropped = false;
    const part = (what: string, data: unknown) =>
      sendable(data, (error) => {
        dropped = true;
        this.report(what, error);
      });
    const { requestId, sockets } = message.data as { requestId: string; sockets: FetchedSocket[] };
    const left = sockets.map(({ data, handshake, ...rest }) => ({
      ...rest,
      data: part("socket.data", data),
      handshake: part("socket.handshake", handshake),
    }));
    return dropped ? ({ ...message, data: { requestId, sockets: left } } as Published) : undefined;
  }

  protected report(event: string, error: Error): void {
    if (this.reported.has(event)) return;
    this.reported.add(event);
    console.error(describe("STICKY_UNSERIALIZABLE", event, error.message));
  }

  protected onAdded(): void {
    this.peers.expect();
  }

  protected onPublish({ payload, joins }: Publish): void {
    const message = deserialize(payload) as ClusterMessage;
    this.peers.heard(message.uid);
    this.changeForOthers(() => this.onMessage(message));
    // Said after the change was made: on the way to it, the adapter has told the primary of the rooms that
    // got members.
    if (joins) this.scope?.sendNow({ type: "settled", nsp: this.nsp.name, rooms: joins });
  }

  protected onRespond(payload: Uint8Array): void {
    const response = deserialize(payload) as ClusterResponse & { uid: string };
    this.peers.heard(response.uid);
    this.onResponse(response);
  }

  /**
   * The primary knows at once which workers have come and gone. Requests that are open go on without those
   * that are gone.
   */
  protected onPeers(came: readonly string[], went: readonly string[]): void {
    this.peers.change(came, went);
    for (const uid of went) {
      this.openRequests.left(uid);
      this.acks.left(uid);
    }
  }

  protected onAlone(): void {
    this.onPeers([], this.peers.giveUp());
  }
}

/** The rooms that sockets of other workers will join because of this message. */
function joinsOf(message: ClusterMessage): RoomKey[] | undefined {
  if (message.type !== MessageType.SOCKETS_JOIN) return undefined;
  return keysOfRooms((message.data as { rooms: unknown[] }).rooms) ?? [];
}

function eventName(message: Published): string {
  if (message.type === MessageType.FETCH_SOCKETS_RESPONSE) return "fetchSockets";
  const packet = (message as { data?: { packet?: { data?: unknown[] } | unknown[] } }).data?.packet;
  const data = Array.isArray(packet) ? packet : packet?.data;
  return String(data?.[0] ?? `message of type ${message.type}`);
}
