// SPDX-License-Identifier: MIT
import { deserialize, serialize } from "node:v8";
import {
  type ClusterAdapterOptions,
  ClusterAdapterWithHeartbeat,
  type ClusterMessage,
  type ClusterResponse,
  MessageType,
} from "socket.io-adapter";
import { describe } from "../errors";
import { link } from "./link";

type Published = ClusterMessage | (ClusterResponse & { nsp: string });

/**
 * Options of {@link createAdapter}: `heartbeatInterval` (5,000 ms), `heartbeatTimeout` (10,000 ms). `requestsTimeout` of
 * older releases is accepted and without effect.
 */
export interface AdapterOptions extends ClusterAdapterOptions {
  requestsTimeout?: number;
}

/**
 * A Socket.IO adapter that reaches the clients of all workers of an app through the primary. In a process that is not a
 * cluster worker it is an in-memory adapter.
 */
export class NodeClusterAdapter extends ClusterAdapterWithHeartbeat {
  private readonly link = link();
  private readonly reported = new Set<string>();

  // biome-ignore lint/suspicious/noExplicitAny: a namespace of the app's own Socket.IO, in any version
  constructor(nsp: any, options: AdapterOptions = {}) {
    super(nsp, options as ClusterAdapterOptions);
    this.link?.send({ type: "adapter-open", uid: this.uid });
    this.link?.on("publish", this.onPublish);
    this.link?.on("respond", this.onRespond);
    this.link?.on("gone", this.onGone);
  }

  override close(): void {
    super.close();
    this.link?.send({ type: "adapter-close", uid: this.uid });
    this.link?.off("publish", this.onPublish);
    this.link?.off("respond", this.onRespond);
    this.link?.off("gone", this.onGone);
  }

  protected override async doPublish(message: ClusterMessage): Promise<string> {
    const payload = this.link && this.serialized(message);
    if (payload) this.link?.send({ type: "publish", payload });
    return ""; // no offset: connection state recovery is not supported
  }

  protected override async doPublishResponse(uid: string, response: ClusterResponse): Promise<void> {
    const payload = this.link && this.serialized(response as unknown as Published);
    if (payload) this.link?.send({ type: "respond", uid, payload });
  }

  private serialized(message: Published): Buffer | undefined {
    try {
      return serialize(message);
    } catch (error) {
      const event = eventName(message);
      if (!this.reported.has(event)) {
        this.reported.add(event);
        console.error(describe("STICKY_UNSERIALIZABLE", event, (error as Error).message));
      }
      return undefined;
    }
  }

  private readonly onPublish = ({ payload }: { payload: Uint8Array }) => {
    const message = deserialize(payload) as ClusterMessage;
    if (message.nsp === this.nsp.name) this.onMessage(message);
  };

  private readonly onRespond = ({ uid, payload }: { uid: string; payload: Uint8Array }) => {
    if (uid === this.uid) this.onResponse(deserialize(payload) as ClusterResponse);
  };

  /** The primary knows of a worker's death at once; pending requests go on without it. */
  private readonly onGone = ({ uids }: { uids: string[] }) => {
    for (const uid of uids) {
      this.onMessage({ uid, nsp: this.nsp.name, type: MessageType.ADAPTER_CLOSE } as ClusterMessage);
    }
  };
}

function eventName(message: Published): string {
  const packet = (message as { data?: { packet?: { data?: unknown[] } | unknown[] } }).data?.packet;
  const data = Array.isArray(packet) ? packet : packet?.data;
  return String(data?.[0] ?? `message of type ${message.type}`);
}

/**
 * Creates the adapter: `io.adapter(createAdapter())`.
 *
 * @param options see {@link AdapterOptions}
 */
// biome-ignore lint/suspicious/noExplicitAny: a namespace of the app's own Socket.IO, in any version
export function createAdapter(options: AdapterOptions = {}): (nsp: any) => NodeClusterAdapter {
  // Socket.IO calls it with `new`, which an arrow function does not allow.
  return function adapterFor(nsp) {
    return new NodeClusterAdapter(nsp, options);
  };
}
