import { EventEmitter } from "node:events";
import { giveUpSession } from "../../src/worker/handover/give-up";
import type { MoveTurns } from "../../src/worker/handover/move-turns";
import type { Sessions } from "../../src/worker/http/sessions";
import { Whereabouts } from "../../src/worker/http/whereabouts";
import type { WorkerLink } from "../../src/worker/link/link";
import type { EngineSocket, SioSocket } from "../../src/worker/socket-io/objects";
import { rememberClient } from "../../src/worker/socket-io/take-apart";
import { clock } from "./clock";

/** A worker as far as giving sessions up goes; `left` are the sessions that it has given up, in order. */
export function leavingWorker(turns: MoveTurns) {
  const left: string[] = [];
  const link = Object.assign(new EventEmitter(), {
    clock,
    lastOrder: 0,
    scopes: { mayRecover: () => true, numberOf: () => 0 },
    outbox: { holds: () => false },
    send: ({ session }: { session: { sid: string } }) => left.push(session.sid),
  }) as unknown as WorkerLink;
  const whereabouts = new Whereabouts(link, {
    forget: () => {},
    listenerOf: () => undefined,
  } as unknown as Sessions);
  const giveUp = ({ conn }: { conn: EngineSocket }, timeoutMs = 60_000) =>
    giveUpSession(conn, link, whereabouts, turns, timeoutMs, 0);
  /** Another worker has it, or not. */
  const settle = (sid: string) => whereabouts.settle(sid);
  return { left, giveUp, settle };
}

/** A long-polling session with one socket; `acks` are the answers that its client owes. */
export function fakeSession(id: string) {
  const conn = {
    ...{ id, readyState: "open", protocol: 4, upgrading: false, writeBuffer: [] as never[] },
    request: { url: "/socket.io/", rawHeaders: [] },
    transport: { name: "polling", writable: false, send: () => {}, close: () => {} },
    ...{ onClose: () => {}, sendPacket: () => {} },
  } as unknown as EngineSocket;
  const acks = new Map<number, unknown>();
  const client = { conn, sockets: new Map<string, SioSocket>() };
  const adapter = { persistSession: () => {} };
  const socket = {
    ...{ id, pid: id, acks, client, data: {}, handshake: { auth: {} } },
    ...{ nsp: { name: "/", adapter }, _onclose: () => {}, ack: () => {} },
  } as unknown as SioSocket;
  client.sockets.set(id, socket);
  rememberClient(socket);
  return { conn, acks };
}
