// SPDX-License-Identifier: MIT
import type { Socket as TcpSocket } from "node:net";
import type { MovedSession, MovedSocket } from "../../protocol/messages";
import type { EngineSocket, SioClient, SioSocket } from "./objects";
import { checkSession, handoverIsOff } from "./parts";

/**
 * Taking a live session out of this process, without a word to its client, so that another worker can go on
 * with it.
 *
 * The map says, for each session, what Socket.IO has of its client.
 */
const clients = new WeakMap<EngineSocket, SioClient>();

/** Remembers what Socket.IO has of the client that this socket belongs to. */
export function rememberClient(socket: SioSocket): void {
  const { client } = socket;
  clients.set(client.conn, client);
  checkSession(client.conn, [socket]);
}

/** The Socket.IO sockets of a session; none if they cannot be recovered on another worker. */
export function socketsOf(conn: EngineSocket): SioSocket[] {
  return [...(clients.get(conn)?.sockets.values() ?? [])];
}

/** Whether the session is of a kind that can be moved. */
export function canMove(conn: EngineSocket, sockets: readonly SioSocket[]): boolean {
  const { transport } = conn;
  checkSession(conn, sockets); // it may have been upgraded since
  if (handoverIsOff() || conn.protocol !== 4 || sockets.length === 0) return false;
  // The answers to the replayed handshake are recognised by the text of the default parser.
  if (sockets.some(({ nsp }) => nsp.server?.opts?.parser !== undefined)) return false;
  // An app may have set ids that are no strings; other processes can only be told strings.
  const ids = [conn.id, ...sockets.flatMap(({ id, pid }) => [id, pid])];
  if (ids.some((id) => typeof id !== "string")) return false;
  // The state of a compressed stream cannot be moved.
  return transport.name === "polling" || transport.socket?.extensions === "";
}

/** The connection that belongs to a WebSocket session; a long-polling session has none of its own. */
export function ownConnection({ transport }: EngineSocket): TcpSocket | undefined {
  return transport.socket?._socket;
}

/**
 * Whether everything that was read of the session has been handled, so that the next byte is the first of a
 * message, and that message the first of a packet.
 */
export function atMessageBoundary(conn: EngineSocket): boolean {
  const { transport } = conn;
  // While it changes from long polling to a WebSocket, messages may come on both.
  if (conn.upgrading) return false;
  // A packet with binary parts consists of several messages.
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

/**
 * Closes the session's sockets, as far as the app is concerned. Their state goes to the primary, which keeps
 * it.
 */
export function part(sockets: readonly SioSocket[]): void {
  for (const socket of sockets) {
    socket.nsp.adapter.persistSession({ sid: socket.id, data: socket.data });
    socket._onclose("server handover");
  }
}

/**
 * Whether everything that was written has left this process. What waits for the next poll of a long-polling
 * client cannot leave before that client asks; it goes to the other worker together with the session.
 */
export function isFlushed({ transport, writeBuffer }: EngineSocket): boolean {
  if (transport.name === "polling") return true;
  return writeBuffer.length === 0 && transport.socket!._socket.writableLength === 0;
}

/**
 * What another worker needs to go on with the session.
 *
 * @param scope of the server that the session belongs to
 * @param order the last packet that its client was sent
 */
export function describeSession(
  conn: EngineSocket,
  sockets: readonly SioSocket[],
  scope: number,
  order: number,
): MovedSession {
  const namespaces = sockets.map(
    ({ nsp, pid, handshake }): MovedSocket => ({ nsp: nsp.name, pid: pid!, auth: handshake.auth, order }),
  );
  const { url = "", rawHeaders } = conn.request;
  const transport = conn.transport.name as MovedSession["transport"];
  const { id: sid, remoteAddress } = conn;
  return { scope, sid, transport, url, rawHeaders, remoteAddress, pending: pendingOf(conn), namespaces };
}

/**
 * The packets that wait for the client's next poll. A WebSocket has none: they are all written before the
 * session moves.
 */
function pendingOf({ transport, writeBuffer }: EngineSocket): MovedSession["pending"] {
  if (transport.name !== "polling") return [];
  return writeBuffer
    .filter(({ type }) => type === "message")
    .map(({ data }) =>
      typeof data === "string"
        ? { data, binary: false }
        : { data: Buffer.from(data as Uint8Array).toString("base64"), binary: true },
    );
}

/** Answers the open poll of a session with nothing, if there is one, so that its client asks again. */
export function answerPoll({ transport }: EngineSocket): void {
  if (transport.name === "polling" && transport.req && transport.writable) transport.send([{ type: "noop" }]);
}

/**
 * Ends the session in this process without a word to its client. Returns the connection of a WebSocket
 * session.
 */
export function detach(conn: EngineSocket): TcpSocket | undefined {
  clearTimeout(conn.pingIntervalTimer ?? undefined);
  clearTimeout(conn.pingTimeoutTimer ?? undefined);
  const { transport } = conn;
  const ws = transport.socket;
  // The client will ask again, and its request will be sent to where the session is then.
  answerPoll(conn);
  transport.close = () => {};
  if (ws) {
    for (const event of ["data", "end", "close", "error"]) ws._socket.removeAllListeners(event);
    ws._socket.on("error", () => {});
  }
  conn.onClose("server handover");
  return ws?._socket;
}
