// SPDX-License-Identifier: MIT
import { IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { MovedSession, MovedSocket } from "../../protocol/messages";
import { checkSession, handoverIsOff } from "./session-parts";
import type { WritingClient } from "./socket-io-internals";

/**
 * What moving a live session needs of the private parts of Socket.IO, Engine.IO and ws, and nothing else: taking a
 * session apart without touching the wire, and replaying a handshake whose answers the client has had already. What is
 * installed is checked in `session-parts.ts`; where it does not fit, sessions are not moved.
 */
export interface SioSocket {
  id: string;
  pid?: string;
  data: unknown;
  nsp: {
    name: string;
    server?: { opts?: { parser?: unknown } };
    adapter: { persistSession(session: { sid: string; data: unknown }): void };
  };
  handshake: { auth: Record<string, unknown> };
  client: WritingClient & {
    conn: EioSocket;
    sockets: Map<string, SioSocket>;
    decoder?: { reconstructor?: unknown };
  };
  acks: Map<number, unknown>;
  ack(id: number): (...args: unknown[]) => void;
  _onclose(reason: string): void;
}

export interface EioSocket {
  id: string;
  readyState: string;
  upgrading: boolean;
  request: IncomingMessage & { _query?: unknown };
  writeBuffer: { type: string; data?: unknown }[];
  pingIntervalTimer: NodeJS.Timeout | null;
  pingTimeoutTimer: NodeJS.Timeout | null;
  remoteAddress?: string;
  protocol: number;
  transport: {
    name: string;
    writable: boolean;
    socket?: Ws;
    req?: unknown;
    dataReq?: unknown;
    send(packets: { type: string }[]): void;
    close(): void;
  };
  close(discard?: boolean): unknown;
  onClose(reason: string): void;
  write(data: unknown, options?: unknown, callback?: unknown): unknown;
  sendPacket(type: "ping"): void;
  emit(event: string, ...args: unknown[]): boolean;
}

interface Ws {
  _socket: Socket;
  _receiver: { _state: number; _bufferedBytes: number; _fragmented: number; _buffers: Buffer[] };
  extensions: string;
  close(): void;
}

export interface EioServer {
  clients: Record<string, EioSocket>;
  on(event: "connection", listener: (socket: EioSocket) => void): unknown;
  off(event: "connection", listener: (socket: EioSocket) => void): unknown;
  handleUpgrade(req: IncomingMessage, socket: Socket, head: Buffer): void;
  handleRequest(req: IncomingMessage, res: ServerResponse): void;
}

export interface Encoder {
  encode(packet: object): unknown[];
}

const clients = new WeakMap<EioSocket, SioSocket["client"]>();

/** Remembers which Socket.IO sockets a session has. */
export function rememberClient(socket: SioSocket): void {
  const { client } = socket;
  clients.set(client.conn, client);
  checkSession(client.conn, [socket]);
}

/** The Socket.IO sockets of a session; empty if they cannot be recovered elsewhere. */
export function socketsOf(conn: EioSocket): SioSocket[] {
  return [...(clients.get(conn)?.sockets.values() ?? [])];
}

/** Closes the session's sockets for the app. They live on in the primary's store. */
export function part(sockets: readonly SioSocket[]): void {
  for (const socket of sockets) {
    socket.nsp.adapter.persistSession({ sid: socket.id, data: socket.data });
    socket._onclose("server handover");
  }
}

/** Acknowledgements that the app owes the client, by socket. */
const owed = new WeakMap<SioSocket, number>();

/** Counts the acknowledgements that the app owes the client of this socket, from now on. */
export function countAcks(socket: SioSocket): void {
  if (typeof socket.ack !== "function" || owed.has(socket)) return;
  owed.set(socket, 0);
  const { ack } = socket;
  socket.ack = function (id) {
    const answer = ack.call(this, id);
    let open = true;
    owed.set(socket, (owed.get(socket) ?? 0) + 1);
    return (...args) => {
      if (open) owed.set(socket, (owed.get(socket) ?? 1) - 1);
      open = false;
      answer(...args);
    };
  };
}

export function owesAcks(sockets: readonly SioSocket[]): boolean {
  return sockets.some((socket) => (owed.get(socket) ?? 0) > 0);
}

export function awaitsAcks(sockets: readonly SioSocket[]): boolean {
  return sockets.some((socket) => socket.acks.size > 0);
}

/** Whether the session is of a kind that can be moved. */
export function canMove(conn: EioSocket, sockets: readonly SioSocket[]): boolean {
  const { transport } = conn;
  checkSession(conn, sockets); // it may have been upgraded since
  if (handoverIsOff() || conn.protocol !== 4 || sockets.length === 0) return false;
  // The answers to the replayed handshake are known by the default parser's text.
  if (sockets.some(({ nsp }) => nsp.server?.opts?.parser !== undefined)) return false;
  // An app may set ids that cannot be told.
  const ids = [conn.id, ...sockets.flatMap(({ id, pid }) => [id, pid])];
  if (ids.some((id) => typeof id !== "string")) return false;
  // The state of a compressed stream cannot be moved.
  return transport.name === "polling" || transport.socket?.extensions === "";
}

/** Whether everything that was read has been taken in: the next byte begins a message, which begins a packet. */
export function atMessageBoundary(conn: EioSocket): boolean {
  const { transport } = conn;
  // A packet with binary parts is several messages.
  if (clients.get(conn)?.decoder?.reconstructor) return false;
  if (transport.name === "polling") return !transport.dataReq;
  const { _state, _bufferedBytes, _fragmented } = transport.socket!._receiver;
  return (
    _state === 0 &&
    _bufferedBytes === 0 &&
    _fragmented === 0 &&
    transport.socket!._socket.readableLength === 0
  );
}

/** Whether everything that was written has left the process. */
export function isFlushed({ transport, writeBuffer }: EioSocket): boolean {
  if (transport.name === "polling") return true; // what is buffered cannot be: nothing is written after the sockets closed
  return writeBuffer.length === 0 && transport.socket!._socket.writableLength === 0;
}

/** What another worker needs to go on with the session. */
export function describeSession(conn: EioSocket, sockets: readonly SioSocket[], order: number): MovedSession {
  const namespaces = sockets.map(
    ({ nsp, pid, handshake }): MovedSocket => ({ nsp: nsp.name, pid: pid!, auth: handshake.auth, order }),
  );
  const { url = "", rawHeaders } = conn.request;
  const transport = conn.transport.name as MovedSession["transport"];
  const { id: sid, remoteAddress } = conn;
  return { sid, transport, url, rawHeaders, remoteAddress, pending: pendingOf(conn), namespaces };
}

/** A WebSocket's packets are flushed; those of a poll wait for the client. */
function pendingOf({ transport, writeBuffer }: EioSocket): MovedSession["pending"] {
  if (transport.name !== "polling") return [];
  return writeBuffer
    .filter(({ type }) => type === "message")
    .map(({ data }) =>
      typeof data === "string"
        ? { data, binary: false }
        : { data: Buffer.from(data as Uint8Array).toString("base64"), binary: true },
    );
}

/** Answers the open poll of a session, if there is one, so that its client asks again. */
export function answerPoll({ transport }: EioSocket): void {
  if (transport.name === "polling" && transport.req && transport.writable) transport.send([{ type: "noop" }]);
}

/** Ends the session in this process without a word to the client. Returns its connection, if it has one of its own. */
export function detach(conn: EioSocket): Socket | undefined {
  clearTimeout(conn.pingIntervalTimer ?? undefined);
  clearTimeout(conn.pingTimeoutTimer ?? undefined);
  const { transport } = conn;
  const ws = transport.socket;
  // The client asks again, wherever the session is then.
  answerPoll(conn);
  transport.close = () => {};
  if (ws) {
    for (const event of ["data", "end", "close", "error"]) ws._socket.removeAllListeners(event);
    ws._socket.on("error", () => {});
  }
  conn.onClose("server handover");
  return ws?._socket;
}

/** The request of the moved session's handshake, as it would be without the upgrade that may have followed. */
export function handshakeRequest(
  { url, rawHeaders, transport }: MovedSession,
  socket: Socket,
): IncomingMessage {
  const req = new IncomingMessage(socket);
  req.method = "GET";
  req.httpVersion = "1.1";
  req.httpVersionMajor = 1;
  req.httpVersionMinor = 1;
  const parsed = new URL(url, "http://localhost");
  parsed.searchParams.set("transport", transport);
  parsed.searchParams.delete("sid");
  req.url = parsed.pathname + parsed.search;
  req.rawHeaders = rawHeaders;
  const headers: Record<string, string> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) headers[rawHeaders[i]!.toLowerCase()] = rawHeaders[i + 1]!;
  if (transport === "websocket") {
    headers.upgrade = "websocket";
    headers.connection = "Upgrade";
    headers["sec-websocket-version"] ??= "13";
    // Any valid key will do: its answer was given long ago.
    headers["sec-websocket-key"] ??= "AAAAAAAAAAAAAAAAAAAAAA==";
    headers["sec-websocket-extensions"] = "";
  }
  req.headers = headers;
  return req;
}

/** Makes what is written to the socket disappear until the returned function is called. */
export function swallowWrites(socket: Socket): () => void {
  socket.write = ((...args: unknown[]) => {
    const callback = args.at(-1);
    if (typeof callback === "function") process.nextTick(callback as () => void);
    return true;
  }) as Socket["write"];
  return () => Reflect.deleteProperty(socket, "write");
}

/**
 * Connects the session's namespaces once more; the answers are kept from the client.
 *
 * @param offset what a client's offset would be
 */
export function reconnect(
  conn: EioSocket,
  encoder: Encoder,
  { namespaces, pending }: MovedSession,
  offset: (order: number) => string,
): Promise<boolean> {
  const { write } = conn;
  let answers = 0;
  return new Promise((resolve) => {
    const done = (ok: boolean) => {
      clearTimeout(timer);
      Reflect.deleteProperty(conn, "write");
      resolve(ok);
    };
    const timer = setTimeout(() => done(false), RECONNECT_TIMEOUT_MS);
    for (const { data, binary } of pending) conn.write(binary ? Buffer.from(data, "base64") : data);
    conn.write = function (data, options, callback) {
      const kind = kindOf(data);
      if (kind !== CONNECT && kind !== CONNECT_ERROR) return write.call(this, data, options, callback);
      if (kind === CONNECT_ERROR) done(false);
      else if (++answers === namespaces.length) done(true);
      return this;
    };
    for (const { nsp, pid, auth, order } of namespaces) {
      const data = { ...auth, pid, offset: offset(order) };
      for (const part of encoder.encode({ type: CONNECT, nsp, data })) conn.emit("data", part);
    }
  });
}

/**
 * The client waits for the next ping since the last one, wherever that came from. A worker counts from when the session
 * came to it: one that moves again and again would never be pinged, and its client would take that for a dead connection.
 */
export function ping(conn: EioSocket): void {
  conn.sendPacket("ping");
}

const RECONNECT_TIMEOUT_MS = 5000;
/** Socket.IO's packet types. */
const CONNECT = 0;
const CONNECT_ERROR = 4;

/** The type of an encoded packet; the default parser writes it in front. */
function kindOf(encoded: unknown): number | undefined {
  return typeof encoded === "string" ? encoded.charCodeAt(0) - 48 : undefined;
}
