// SPDX-License-Identifier: MIT
import { IncomingMessage } from "node:http";
import type { Socket as TcpSocket } from "node:net";
import type { Clock } from "../../clock";
import type { MovedSession } from "../../protocol/messages";
import { NAMESPACE_REPLAY_TIMEOUT_MS } from "../../protocol/timing";
import { type EngineSocket, PACKET_TYPE, type SocketIoServer } from "./objects";

/**
 * Opening a session that comes from another worker: its handshake is replayed. The client has had the answers
 * already.
 */

/**
 * The request that would open this session with the transport that it has now. It was opened by a poll, if it
 * was upgraded to a WebSocket later.
 */
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
    // Any valid key will do: nobody will see the answer to it.
    headers["sec-websocket-key"] ??= "AAAAAAAAAAAAAAAAAAAAAA==";
    headers["sec-websocket-extensions"] = "";
  }
  req.headers = headers;
  return req;
}

/** Drops whatever is written to the socket, until the returned function is called. */
export function swallowWrites(socket: TcpSocket): () => void {
  socket.write = ((...args: unknown[]) => {
    const callback = args.at(-1);
    if (typeof callback === "function") process.nextTick(callback as () => void);
    return true;
  }) as TcpSocket["write"];
  return () => Reflect.deleteProperty(socket, "write");
}

/**
 * Connects the session to its namespaces once more, and keeps the answers from the client. Resolves to
 * whether all of them have agreed in time.
 *
 * @param offset makes the offset that the client would name, from the place of the last packet it was sent
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
 * Pings the client. It counts from the last ping, whichever worker sent that, and takes the connection for
 * dead if the next one is late. A worker counts from when the session came to it; so a session that moves
 * again and again would never be pinged.
 */
export function ping(conn: EngineSocket): void {
  conn.sendPacket("ping");
}

/** The type of an encoded packet, which is the first character of the default parser's text. */
function typeOf(encoded: unknown): number | undefined {
  return typeof encoded === "string" ? encoded.charCodeAt(0) - 48 : undefined;
}
