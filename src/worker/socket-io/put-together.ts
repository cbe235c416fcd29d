// SPDX-License-Identifier: MIT
import { IncomingMessage } from "node:http";
import type { Socket as TcpSocket } from "node:net";
import type { Clock } from "../../clock";
import type { MovedSession } from "../../protocol/messages";
import { NAMESPACE_REPLAY_TIMEOUT_MS } from "../../protocol/timing";
import { type EngineSocket, PACKET_TYPE, type SocketIoServer } from "./objects";

/** Opening a session that comes from another worker: a handshake is replayed whose answers the client has had already. */

/** The request of the moved session's handshake, as it would be without the upgrade that may have followed. */
export function handshakeRequest(
  { url, rawHeaders, transport }: MovedSession,
  socket: TcpSocket,
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
export function swallowWrites(socket: TcpSocket): () => void {
  socket.write = ((...args: unknown[]) => {
    const callback = args.at(-1);
    if (typeof callback === "function") process.nextTick(callback as () => void);
    return true;
  }) as TcpSocket["write"];
  return () => Reflect.deleteProperty(socket, "write");
}

/**
 * Connects the session's namespaces once more; the answers are kept from the client.
 *
 * @param offset what a client's offset would be
 */
export function reconnect(
  conn: EngineSocket,
  { encoder }: SocketIoServer,
  { namespaces, pending }: MovedSession,
  clock: Clock,
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
    const timer = clock.after(NAMESPACE_REPLAY_TIMEOUT_MS, () => done(false));
    for (const { data, binary } of pending) conn.write(binary ? Buffer.from(data, "base64") : data);
    conn.write = function (data, options, callback) {
      const type = typeOf(data);
      if (type === PACKET_TYPE.connectError) done(false);
      else if (type !== PACKET_TYPE.connect) return write.call(this, data, options, callback);
      else if (++answers === namespaces.length) done(true);
      return this;
    };
    for (const { nsp, pid, auth, order } of namespaces) {
      const data = { ...auth, pid, offset: offset(order) };
      for (const part of encoder.encode({ type: PACKET_TYPE.connect, nsp, data })) conn.emit("data", part);
    }
  });
}

/**
 * The client waits for the next ping since the last one, wherever that came from. A worker counts from when the session
 * came to it: one that moves again and again would never be pinged, and its client would take that for a dead connection.
 */
export function ping(conn: EngineSocket): void {
  conn.sendPacket("ping");
}

/** The type of an encoded packet; the default parser writes it in front. */
function typeOf(encoded: unknown): number | undefined {
  return typeof encoded === "string" ? encoded.charCodeAt(0) - 48 : undefined;
}
