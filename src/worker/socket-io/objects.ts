// SPDX-License-Identifier: MIT
import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import type { Socket as TcpSocket } from "node:net";
import type { EncodedPacket } from "../../protocol/encoded-packet";

/**
 * The objects of Socket.IO, Engine.IO and ws, as far as this package touches them. They are described here
 * once, and not imported: the app's own copies may be of another version than any we could import types from.
 *
 * In each of them, what their documentation names comes first. What is private stands below the line that
 * says so, and is used almost only by the files of this folder. A private member is optional here if it may
 * be missing in a version that we serve, and then we do without it; those without which a session cannot be
 * moved are checked in `parts.ts`.
 */
export interface SocketIoServer {
  readonly engine: EngineServer;
  readonly httpServer: HttpServer;
  // biome-ignore lint/suspicious/noExplicitAny: the adapter class as Socket.IO types it, in any version
  adapter(): any;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  adapter(adapterClass: any): unknown;
  /** The path that its clients connect to. */
  path?(): string;
  // Private:
  readonly encoder: Encoder;
  readonly opts?: {
    parser?: unknown;
    pingInterval?: number;
    pingTimeout?: number;
    connectionStateRecovery?: { maxDisconnectionDuration: unknown };
  };
  readonly _parser?: Parser;
  /** Asks the app whether a dynamic namespace is allowed. */
  _checkNamespace?(name: string, auth: unknown, callback: (nsp: unknown) => void): void;
}

/** A namespace. */
export interface Nsp {
  readonly name: string;
  readonly server: SocketIoServer;
  readonly sockets: Map<string, SioSocket>;
  readonly adapter: { persistSession(session: { sid: string; data: unknown }): void };
  // Private:
  /** Sockets about which a middleware has yet to decide. */
  readonly _preConnectSockets?: Map<string, SioSocket>;
  /**
   * Makes the socket of a client that wants to connect. `auth` has its private id and offset, if it was
   * connected before.
   */
  _createSocket?(client: SioClient, auth: { pid?: unknown; offset?: unknown }): Promise<unknown>;
}

/**
 * A socket of one namespace. The sockets that a client has in several namespaces share one Engine.IO session.
 */
export interface SioSocket {
  readonly id: string;
  data: unknown;
  readonly nsp: Nsp;
  readonly handshake: { auth: Record<string, unknown> };
  readonly conn: EngineSocket;
  // Private:
  /** The private id, by which a client is recognised when it comes back. */
  readonly pid?: string;
  readonly client: SioClient;
  /** Acknowledgements that the client owes the app. */
  readonly acks: Map<number, unknown>;
  /** Makes the function with which the app acknowledges a packet of the client. */
  ack(id: number): (...args: unknown[]) => void;
  _onclose(reason: string): void;
  _cleanup?(): void;
}

/** What the sockets of one client share: it writes for all of its namespaces. All of it is private. */
export interface SioClient {
  readonly conn: EngineSocket;
  readonly sockets: Map<string, SioSocket>;
  readonly decoder?: { reconstructor?: unknown };
  writeToEngine?(packets: unknown, options: unknown): void;
}

/** Engine.IO's server. */
export interface EngineServer {
  clients: Record<string, EngineSocket>;
  generateId(request: IncomingMessage): string | Promise<string>;
  on(event: "connection", listener: (socket: EngineSocket) => void): unknown;
  handleUpgrade(req: IncomingMessage, socket: TcpSocket, head: Buffer): void;
  handleRequest(req: IncomingMessage, res: ServerResponse): void;
  // Private:
  readonly ws?: { options?: { WebSocket?: { Receiver?: new () => object } } };
}

/** An Engine.IO session. */
export interface EngineSocket {
  readonly id: string;
  readonly readyState: string;
  readonly protocol: number;
  readonly request: IncomingMessage;
  readonly remoteAddress?: string;
  close(discard?: boolean): unknown;
  write(data: unknown, options?: unknown, callback?: unknown): unknown;
  once(event: "close", listener: () => void): unknown;
  emit(event: string, ...args: unknown[]): boolean;
  // Private:
  /** The server that it is a session of. */
  readonly server?: EngineServer;
  readonly upgrading: boolean;
  readonly transport: Transport;
  readonly writeBuffer: { type: string; data?: unknown }[];
  readonly pingIntervalTimer: NodeJS.Timeout | null;
  readonly pingTimeoutTimer: NodeJS.Timeout | null;
  onClose(reason: string): void;
  sendPacket(type: "ping"): void;
}

/** What carries a session at present: long polling, or a WebSocket. All of it is private. */
export interface Transport {
  readonly name: string;
  readonly writable: boolean;
  /** Only of a WebSocket. */
  readonly socket?: Ws;
  /** Only of long polling: the request that waits for packets, and the one that brings some. */
  readonly req?: unknown;
  readonly dataReq?: unknown;
  send(packets: { type: string }[]): void;
  close(): void;
}

/** A WebSocket of ws. All of it is private but `extensions`. */
export interface Ws {
  readonly extensions: string;
  readonly _socket: TcpSocket;
  readonly _receiver: { _state: number; _bufferedBytes: number; _fragmented: number };
}

/** A Socket.IO packet, before it is encoded. */
export interface Packet {
  type: number;
  nsp?: string;
  data?: unknown;
  id?: number;
}

/** Socket.IO's packet types, as far as they are needed. */
export const PACKET_TYPE = { connect: 0, event: 2, connectError: 4 } as const;

export interface Encoder {
  encode(packet: Packet): EncodedPacket;
}

/** A parser module, the default one or the app's own. */
export interface Parser {
  Decoder: new () => {
    on(event: "decoded", listener: (packet: Packet) => void): void;
    add(part: unknown): void;
  };
}
