// SPDX-License-Identifier: MIT
import { describe } from "../../errors";
import type { EncodedPacket } from "../../protocol/encoded-packet";

/**
 * The one file that knows what is private in Socket.IO: an adapter encodes a packet with its `encoder`; a server keeps
 * its parser in `_parser` and its options in `opts`; a socket has its private id in `pid`; a namespace makes its sockets
 * in `_createSocket`, and those not yet connected in `_preConnectSockets`; whatever goes to a client passes its
 * `writeToEngine`. What is not there is done without.
 */
export interface Packet {
  type: number;
  nsp?: string;
  data?: unknown;
  id?: number;
}

interface Encoder {
  encode(packet: Packet): EncodedPacket;
}

interface Parser {
  Decoder: new () => {
    on(event: "decoded", listener: (packet: Packet) => void): void;
    add(part: unknown): void;
  };
}

const ENCODED = Symbol("encoded");
type MaybeEncoded = Packet & { [ENCODED]?: EncodedPacket };

/** Socket.IO's packet type for events. */
const EVENT = 2;

interface Socket {
  pid?: string;
  data: unknown;
  client: WritingClient;
  conn: { close(discard: boolean): void; onClose?(reason: string): void };
  _cleanup?(): void;
}

export interface Nsp {
  name: string;
  server: {
    _parser?: Parser;
    opts?: {
      parser?: unknown;
      pingInterval?: number;
      pingTimeout?: number;
      connectionStateRecovery?: { maxDisconnectionDuration: unknown };
    };
  };
  sockets: Map<string, Socket>;
  _preConnectSockets?: Map<string, Socket>;
  _createSocket?(client: unknown, auth: { pid?: unknown; offset?: unknown }): Promise<unknown>;
}

/** What all namespaces of a connection write to. */
export interface WritingClient {
  writeToEngine?(packets: unknown, options: unknown): void;
}

/** Decides when something is written to a client. */
export interface Gate {
  isOpenFor(client: WritingClient): boolean;
  take(client: WritingClient, write: () => void): void;
}

const gated = new WeakSet<WritingClient>();

/** Puts a gate before all that is written to the client. Returns whether that is possible. */
export function gate(client: WritingClient, at: Gate): boolean {
  const { writeToEngine } = client;
  if (typeof writeToEngine !== "function") return false;
  if (gated.has(client)) return true;
  gated.add(client);
  client.writeToEngine = function (packets, options) {
    if (at.isOpenFor(client)) writeToEngine.call(this, packets, options);
    else at.take(client, () => writeToEngine.call(this, packets, options));
  };
  return true;
}

/** Socket.IO's own default of `maxDisconnectionDuration`. */
const DEFAULT_RECOVERABLE_MS = 120_000;
/** Servers whose duration is no number; each is reported once, not with every namespace. */
const reported = new WeakSet<object>();

/**
 * How long sessions can be restored; `undefined` if the server does not restore them. `"60000"` and `null` are the
 * numbers that Socket.IO calculates with. With what is no number it would keep every session for good; here that is the
 * default, as the app did ask for recovery.
 */
export function recoverableMs({ server }: Nsp): number | undefined {
  const recovery = server.opts?.connectionStateRecovery;
  if (!recovery) return undefined;
  const asked = recovery.maxDisconnectionDuration;
  const ms = Number(asked);
  if (Number.isNaN(ms)) {
    if (!reported.has(server)) console.error(describe("STICKY_RECOVERY_DURATION", String(asked)));
    reported.add(server);
    return DEFAULT_RECOVERABLE_MS;
  }
  // Infinity does not survive JSON.
  return Math.min(Math.max(ms, 0), Number.MAX_SAFE_INTEGER);
}

/** After how long a client that does not answer a ping is lost. */
export function pongMs({ server }: Nsp): number {
  return (server.opts?.pingInterval ?? 25_000) + (server.opts?.pingTimeout ?? 20_000);
}

/** Closes the connection of a socket whose client is elsewhere, at once, whatever waits to be written to it. */
export function abandon(nsp: Nsp, sid: string): void {
  const socket = nsp.sockets.get(sid);
  const early = socket ? undefined : nsp._preConnectSockets?.get(sid);
  const { conn } = socket ?? early ?? {};
  conn?.close(true);
  if (nsp.sockets.has(sid)) conn?.onClose?.("forced close");
  // A middleware still looks at it; when that is done, its id may be another socket's.
  early?._cleanup?.();
  if (early) early._cleanup = () => {};
}

/**
 * Socket.IO restores nothing for a client that has not received any packet, because it has no offset yet. Such a client
 * starts where its session was opened: its offset is empty.
 */
export function letFreshClientsRecover(nsp: Nsp): void {
  const createSocket = nsp._createSocket;
  if (typeof createSocket !== "function") return;
  nsp._createSocket = function (client, auth) {
    const fresh = typeof auth?.pid === "string" && auth.offset === undefined;
    return createSocket.call(this, client, fresh ? { ...auth, offset: "" } : auth);
  };
}

/**
 * Makes a packet's encoding reusable: it is encoded once, here or in another worker, and the adapter's own code writes
 * that to the clients.
 */
export class PacketEncoder {
  private readonly original: Encoder;

  // biome-ignore lint/suspicious/noExplicitAny: `encoder` is private in the type of the adapter
  constructor(adapter: any) {
    this.original = adapter.encoder;
    adapter.encoder = { encode: (packet: Packet) => this.encode(packet) };
  }

  encode(packet: Packet): EncodedPacket {
    return (packet as MaybeEncoded)[ENCODED] ?? this.original.encode(packet);
  }

  /**
   * Encodes the packet now; every later {@link encode} of it gives the same. The packets of a parent namespace come once
   * for each of its children.
   */
  encodeOnce(packet: Packet, nsp: string): void {
    const { [ENCODED]: encoded, nsp: encodedFor } = packet as MaybeEncoded;
    if (encoded && encodedFor === nsp) return;
    packet.nsp = nsp;
    (packet as MaybeEncoded)[ENCODED] = this.original.encode(packet);
  }

  /** A packet from its encoding. */
  decode(encoded: EncodedPacket, nsp: Nsp): Packet | undefined {
    return decode(encoded, nsp);
  }

  /**
   * A packet that is encoded already: its data is decoded only if somebody (`onAnyOutgoing`) looks at it.
   *
   * @param offset what is added to the event's arguments, for clients that may come back
   */
  decodeLazily(encoded: EncodedPacket, nsp: Nsp, offset?: string): Packet {
    const parts = offset === undefined ? encoded : this.withOffset(encoded, nsp, offset);
    let data: unknown;
    const packet: MaybeEncoded = { type: EVENT, [ENCODED]: parts };
    Object.defineProperty(packet, "data", {
      get: () => {
        data ??= decode(parts, nsp)?.data;
        return data;
      },
    });
    return packet;
  }

  /** The default parser's text ends with the array of arguments; with any other one the packet is encoded again. */
  private withOffset(encoded: EncodedPacket, nsp: Nsp, offset: string): EncodedPacket {
    const [text, ...attachments] = encoded;
    if (nsp.server.opts?.parser === undefined && typeof text === "string" && text.endsWith("]")) {
      return [`${text.slice(0, -1)},"${offset}"]`, ...attachments];
    }
    const data = [...((decode(encoded, nsp)?.data as unknown[] | undefined) ?? []), offset];
    return this.original.encode({ type: EVENT, nsp: nsp.name, data });
  }
}

function decode(encoded: EncodedPacket, { server }: Nsp): Packet | undefined {
  const { _parser: parser } = server;
  if (typeof parser?.Decoder !== "function") return undefined;
  let decoded: Packet | undefined;
  const decoder = new parser.Decoder();
  decoder.on("decoded", (packet) => {
    decoded = packet;
  });
  for (const part of encoded) decoder.add(part);
  return decoded;
}
