// SPDX-License-Identifier: MIT
import { randomBytes } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import {
  Adapter,
  type BroadcastOptions,
  type ClusterAdapterOptions,
  ClusterAdapterWithHeartbeat,
  type ClusterMessage,
  type ClusterResponse,
  MessageType,
} from "socket.io-adapter";
import { describe } from "../../errors";
import { packParts, unpackParts } from "../../protocol/encoded-packet";
import type { Publish, ToWorker } from "../../protocol/messages";
import { keysOfRooms } from "../../protocol/room-key";
import { link } from "../link/link";
import { sendable } from "../link/sendable";
import type { Nsp, Packet } from "../socket-io/objects";
import { PacketEncoder } from "../socket-io/packet-encoder";
import { AckRequests } from "./ack-requests";

type Unasked = Extract<ToWorker, { type: "unasked" }>;
type FetchedSocket = { data: unknown; handshake: unknown };
type Published = ClusterMessage | (ClusterResponse & { nsp: string });

/**
 * Options of {@link createAdapter}: `heartbeatInterval` (5,000 ms), `heartbeatTimeout` (10,000 ms). `requestsTimeout` of
 * older releases is accepted and without effect.
 */
export interface AdapterOptions extends ClusterAdapterOptions {
  requestsTimeout?: number;
}

/**
 * What adapters of different workers ask each other, by way of the primary: who is there, which sockets there are, to join,
 * leave or disconnect them, and to broadcast a packet whose clients answer. Broadcasts without answers are not messages of
 * this kind, see {@link NodeClusterAdapter}.
 */
export abstract class MessagingAdapter extends ClusterAdapterWithHeartbeat {
  /** `undefined` in a process that is not a cluster worker. */
  protected readonly link = link();
  private readonly reported = new Set<string>();
  private readonly acks = new AckRequests();
  protected readonly packetEncoder = new PacketEncoder(this);
  private introduced = false;

  // biome-ignore lint/suspicious/noExplicitAny: a namespace of the app's own Socket.IO, in any version
  constructor(nsp: any, options: AdapterOptions) {
    super(nsp, options as ClusterAdapterOptions);
    this.link?.on("publish", this.onPublish);
    this.link?.on("respond", this.onRespond);
    this.link?.on("gone", this.onGone);
    this.link?.on("unasked", this.onUnasked);
  }

  /** Called around changes that another worker has asked for. */
  protected abstract changeForOthers(change: () => void): void;

  /** Asks who else is there. Socket.IO before 4.8 does not call this. */
  override init(): void {
    if (this.introduced) return;
    this.introduced = true;
    super.init();
  }

  override close(): void {
    super.close();
    this.link?.send({ type: "adapter-close", uid: this.uid });
    this.link?.off("publish", this.onPublish);
    this.link?.off("respond", this.onRespond);
    this.link?.off("gone", this.onGone);
    this.link?.off("unasked", this.onUnasked);
  }

  override broadcastWithAck(
    packet: Packet,
    opts: BroadcastOptions,
    clientCountCallback: (clients: number) => void,
    ack: (value: unknown) => void,
  ): void {
    const encoded = !this.link || opts.flags?.local ? undefined : this.encoded(packet);
    if (this.link && encoded) {
      const requestId = randomBytes(8).toString("hex");
      this.acks.open(requestId, this.otherAdapters(), { count: clientCountCallback, answer: ack });
      this.link.clock.after(opts.flags?.timeout ?? 0, () => this.acks.close(requestId));
      this.tell(MessageType.BROADCAST, opts, { packet: encoded, requestId });
    }
    Adapter.prototype.broadcastWithAck.call(this, packet, opts, clientCountCallback, ack);
  }

  // Here at once, as what the app does next may count on it; Socket.IO's own would wait until the others are told.
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

  /** Publishes it, unless it is for this worker alone. */
  protected tell(type: MessageType, opts: BroadcastOptions, what: object): void {
    if (opts.flags?.local) return;
    const data = { opts: { ...opts, rooms: [...opts.rooms], except: [...(opts.except ?? [])] }, ...what };
    this.publish({ type, data } as never);
  }

  /** As clients of this worker would get it, whatever it holds that cannot be copied. */
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
    super.onMessage(message, offset as never);
    if (message.type === MessageType.ADAPTER_CLOSE) this.acks.left(message.uid);
  }

  override onResponse(response: ClusterResponse): void {
    const { uid } = response as unknown as { uid: string };
    if (response.type === MessageType.BROADCAST_CLIENT_COUNT) {
      this.acks.told(response.data.requestId, uid, response.data.clientCount);
    } else if (response.type === MessageType.BROADCAST_ACK) {
      this.acks.answered(response.data.requestId, uid, response.data.packet);
    } else {
      super.onResponse(response);
    }
  }

  /** The adapters of other workers that Socket.IO counts at the moment. */
  private otherAdapters(): Iterable<string> {
    return (this as unknown as { nodesMap: Map<string, number> }).nodesMap.keys();
  }

  protected override async doPublish(message: ClusterMessage): Promise<string> {
    const payload = this.link && this.serialized(message);
    if (payload) this.link?.send({ type: "publish", payload, ...this.routeOf(message) }, eventName(message));
    return ""; // no offset: connection state recovery is not supported
  }

  protected override async doPublishResponse(uid: string, response: ClusterResponse): Promise<void> {
    const payload = this.link && this.serialized(response as unknown as Published);
    if (payload)
      this.link?.send({ type: "respond", uid, payload }, eventName(response as unknown as Published));
  }

  /** What the primary has to know of a message. */
  private routeOf(message: ClusterMessage): Pick<Publish, "joins" | "asks"> {
    const nsp = this.nsp.name;
    if (message.type === MessageType.SOCKETS_JOIN) {
      const { rooms } = message.data as { rooms: unknown[] };
      return { joins: { nsp, rooms: keysOfRooms(rooms) ?? [] } };
    }
    if (message.type === MessageType.BROADCAST) {
      const { opts, requestId } = message.data as { opts: { rooms: unknown[] }; requestId?: string };
      const rooms = keysOfRooms(opts.rooms);
      return rooms && requestId !== undefined ? { asks: { nsp, rooms, request: requestId } } : {};
    }
    return {};
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

  /** An answer to `fetchSockets` without what cannot be sent, unless that is not why it cannot. */
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

  private readonly onPublish = ({ payload, joins }: Publish) => {
    const message = deserialize(payload) as ClusterMessage;
    if (message.nsp !== this.nsp.name) return;
    this.changeForOthers(() => this.onMessage(message));
    // After it was done: what the sockets joined was told in between.
    if (joins) this.link?.sendNow({ type: "settled", ...joins });
  };

  private readonly onRespond = ({ uid, payload }: { uid: string; payload: Uint8Array }) => {
    if (uid === this.uid) this.onResponse(deserialize(payload) as ClusterResponse);
  };

  private readonly onUnasked = ({ request, uids }: Unasked) => {
    for (const uid of uids) this.acks.told(request, uid, 0);
  };

  /** The primary knows of a worker's death at once; pending requests go on without it. */
  private readonly onGone = ({ uids }: { uids: string[] }) => {
    for (const uid of uids) {
      this.onMessage({ uid, nsp: this.nsp.name, type: MessageType.ADAPTER_CLOSE } as ClusterMessage);
    }
  };
}

function eventName(message: Published): string {
  if (message.type === MessageType.FETCH_SOCKETS_RESPONSE) return "fetchSockets";
  const packet = (message as { data?: { packet?: { data?: unknown[] } | unknown[] } }).data?.packet;
  const data = Array.isArray(packet) ? packet : packet?.data;
  return String(data?.[0] ?? `message of type ${message.type}`);
}
