// SPDX-License-Identifier: MIT
import { ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Clock } from "../../clock";
import type { Handle } from "../../node-internals";
import type { MovedSession } from "../../protocol/messages";
import { offsetOfOrder } from "../../protocol/offset";
import { HANDSHAKE_REPLAY_TIMEOUT_MS } from "../../protocol/timing";
import type { Sessions } from "../http/sessions";
import type { Whereabouts } from "../http/whereabouts";
import type { WorkerLink } from "../link/link";
import type { EngineServer, EngineSocket, SocketIoServer } from "../socket-io/objects";
import { handshakeRequest, ping, reconnect, swallowWrites } from "../socket-io/put-together";

/**
 * Takes over a live session of another worker. The handshake that once opened the session is replayed against
 * this worker's own Engine.IO and Socket.IO, so that its middlewares and events run as for any client. The
 * client had its answers long ago and gets none of them again. The session's rooms, data and missed packets
 * come from the primary, as they do in connection state recovery. Then reading goes on at the byte where the
 * other worker stopped.
 *
 * Requests of the session that come in meanwhile wait until this is done.
 *
 * @param handle the connection of a WebSocket session; a long-polling session has none of its own
 * @param onConnected is given the connection, once the client can be served on it
 */
export async function adoptSession(
  session: MovedSession,
  handle: Handle | undefined,
  io: SocketIoServer,
  engine: EngineServer,
  link: WorkerLink,
  sessions: Sessions,
  whereabouts: Whereabouts,
  onConnected: (socket: Socket) => void,
): Promise<void> {
  const socket = new Socket({
    ...{ handle, pauseOnCreate: true },
    allowHalfOpen: true,
    readable: true,
    writable: true,
  });
  socket.on("error", () => {});
  const release = whereabouts.hold(session.sid);
  let ok = false;
  try {
    ok = await replay(session, socket, io, engine, link, sessions);
  } finally {
    release();
    link.send({ type: "adopted", sid: session.sid, ok });
    if (!ok || session.transport === "polling") socket.destroy();
    else {
      onConnected(socket);
      socket.resume();
    }
  }
}

async function replay(
  session: MovedSession,
  socket: Socket,
  io: SocketIoServer,
  engine: EngineServer,
  link: WorkerLink,
  sessions: Sessions,
): Promise<boolean> {
  const request = handshakeRequest(session, socket);
  sessions.expect(request, session.sid);
  const restore = swallowWrites(socket);
  if (session.transport === "polling") {
    Object.defineProperty(socket, "remoteAddress", { value: session.remoteAddress });
  }
  const conn = await connection(engine, session.sid, link.clock, () => {
    if (session.transport === "websocket") engine.handleUpgrade(request, socket, Buffer.alloc(0));
    else engine.handleRequest(request, new ServerResponse(request));
  });
  restore();
  if (!conn) return false;
  const connected = await reconnect(conn, io, session, link.clock, (order) =>
    offsetOfOrder(link.epoch, order),
  );
  if (connected) ping(conn);
  else conn.close(true);
  return connected;
}

/**
 * For each engine, the sessions that it is about to open, by id: who waits for them. One listener serves all.
 */
const expected = new WeakMap<EngineServer, Map<string, (conn: EngineSocket) => void>>();

function connection(
  engine: EngineServer,
  sid: string,
  clock: Clock,
  begin: () => void,
): Promise<EngineSocket | undefined> {
  let awaited = expected.get(engine);
  if (!awaited) {
    awaited = new Map();
    expected.set(engine, awaited);
    engine.on("connection", (conn) => expected.get(engine)?.get(conn.id)?.(conn));
  }
  const waiting = awaited;
  return new Promise((resolve) => {
    const done = (conn: EngineSocket | undefined) => {
      clearTimeout(timer);
      waiting.delete(sid);
      resolve(conn);
    };
    waiting.set(sid, done);
    const timer = clock.after(HANDSHAKE_REPLAY_TIMEOUT_MS, () => done(undefined));
    begin();
  });
}
