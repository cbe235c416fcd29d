// SPDX-License-Identifier: MIT
import type { Socket as TcpSocket } from "node:net";
import type { MovedSession, MovedSocket } from "../../protocol/messages";
import type { EngineSocket, SioClient, SioSocket } from "./objects";
import { checkSession, handoverIsOff } from "./parts";

/** Taking a live session out of this process without a word to its client, so that another worker can go on with it. */
const clients = new WeakMap<EngineSocket, SioClient>();

/** Remembers which Socket.IO sockets a session has. */
export function rememberClient(socket: SioSocket): void {
  const { client } = socket;
  clients.set(client.conn, client);
  checkSession(client.conn, [socket]);
}

/** The Socket.IO sockets of a session; empty if they cannot be recovered elsewhere. */
export function socketsOf(conn: EngineSocket): SioSocket[] {
  return [...(clients.get(conn)?.sockets.values() ?? [])];
}

/** Whether the session is of a kind that can be moved. */
export function canMove(conn: EngineSocket, sockets: readonly SioSocket[]): boolean {
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

/** The connection that the session has for itself; long polling has none. */
export function ownConnection({ transport }: EngineSocket): TcpSocket | undefined {
  return transport.socket?._socket;
}

/** Whether everything that was read has been taken in: the next byte begins a message, which begins a packet. */
export function atMessageBoundary(conn: EngineSocket): boolean {
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

/** Closes the session's sockets for the app. They live on in the primary's store. */
export function part(sockets: readonly SioSocket[]): void {
  for (const socket of sockets) {
    socket.nsp.adapter.persistSession({ sid: socket.id, data: socket.data });
    socket._onclose("server handover");
  }
}

/**
 * Whether everything that was written has left the process. What is buffered for long polling cannot leave before the
 * client asks, and goes along with the session.
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

/** A WebSocket's packets are flushed; those of a poll wait for the client. */
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

/** Answers the open poll of a session, if there is one, so that its client asks again. */
export function answerPoll({ transport }: EngineSocket): void {
  if (transport.name === "polling" && transport.req && transport.writable) transport.send([{ type: "noop" }]);
}

/** Ends the session in this process without a word to the client. Returns its connection, if it has one of its own. */
export function detach(conn: EngineSocket): TcpSocket | undefined {
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
