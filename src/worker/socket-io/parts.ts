// SPDX-License-Identifier: MIT
import { describe } from "../../errors";
import type { EngineSocket, SioSocket, SocketIoServer } from "./objects";

/**
 * Whether the installed Socket.IO, Engine.IO and ws have the private parts that moving a session needs. (They
 * are used in `take-apart.ts` and `put-together.ts`.) A server is looked at when it is attached. The parts of
 * a session can only be seen in a session, so for each kind of transport the first one is looked at.
 *
 *     fits ──the first part that is not as expected──▶ off, for this process: one line says so
 */
let off = false;
const fitting = new Set<string>();

/** Whether sessions cannot be moved in this process. */
export function handoverIsOff(): boolean {
  return off;
}

/** Looks at a Socket.IO server, if its sessions are to be moved. */
export function checkServer(io: Partial<SocketIoServer>): void {
  if (io.opts?.connectionStateRecovery) verdict(missingFromServer(io));
}

/** Looks at a session, if its kind of transport was not looked at before. */
export function checkSession(conn: EngineSocket, sockets: readonly SioSocket[]): void {
  const { name } = conn.transport;
  if (off || fitting.has(name)) return;
  verdict(missingFromSession(conn, sockets));
  fitting.add(name);
}

function verdict(missing: string | undefined): void {
  if (missing === undefined || off) return;
  off = true;
  console.error(describe("STICKY_HANDOVER_OFF", missing));
}

export function missingFromServer({ encoder, engine }: Partial<SocketIoServer>): string | undefined {
  if (typeof encoder?.encode !== "function") return "Server.encoder";
  for (const name of ["handleUpgrade", "handleRequest"] as const) {
    if (typeof engine?.[name] !== "function") return `engine.${name}`;
  }
  const Receiver = engine?.ws?.options?.WebSocket?.Receiver;
  return Receiver && missingFromReceiver(new Receiver());
}

export function missingFromSession(conn: EngineSocket, sockets: readonly SioSocket[]): string | undefined {
  for (const { acks, _onclose, ack } of sockets) {
    if (!(acks instanceof Map)) return "Socket.acks";
    if (typeof _onclose !== "function") return "Socket._onclose";
    if (typeof ack !== "function") return "Socket.ack";
  }
  for (const name of ["onClose", "sendPacket"] as const) {
    if (typeof conn[name] !== "function") return `engine.Socket.${name}`;
  }
  if (!Array.isArray(conn.writeBuffer)) return "engine.Socket.writeBuffer";
  if (conn.transport.name !== "websocket") return undefined;
  if (!conn.transport.socket?._socket) return "WebSocket._socket";
  return missingFromReceiver(conn.transport.socket._receiver);
}

function missingFromReceiver(receiver: object | undefined): string | undefined {
  for (const name of ["_state", "_bufferedBytes", "_fragmented"]) {
    if (typeof (receiver as Record<string, unknown> | undefined)?.[name] !== "number") {
      return `ws.Receiver.${name}`;
    }
  }
  return undefined;
}
