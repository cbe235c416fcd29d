// SPDX-License-Identifier: MIT
import { describe } from "../../errors";
import type { Nsp } from "./objects";

/** Socket.IO's own default of `maxDisconnectionDuration`. */
const DEFAULT_RECOVERABLE_MS = 120_000;
/** Servers whose duration is no number. Each is reported once, and not for every namespace. */
const reported = new WeakSet<object>();

/** Whether the server restores sessions. */
export function restoresSessions({ server }: Nsp): boolean {
  return Boolean(server.opts?.connectionStateRecovery);
}

/**
 * How long sessions can be restored, in milliseconds; `undefined` if the server does not restore them.
 *
 * Socket.IO calculates with whatever it is given: `"60000"` and `null` are 60000 and 0 there, and so they are
 * here. With what is no number it would keep every session for good. Here that means the default, because the
 * app did ask for recovery.
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
  // JSON has no Infinity.
  return Math.min(Math.max(ms, 0), Number.MAX_SAFE_INTEGER);
}

/** After how long, in milliseconds, a client that does not answer a ping counts as lost. */
export function pongMs({ server }: Nsp): number {
  return (server.opts?.pingInterval ?? 25_000) + (server.opts?.pingTimeout ?? 20_000);
}

/**
 * Closes the connection of a socket whose client has come back on another worker. It is closed at once, and
 * what waits to be written to it is dropped.
 */
export function abandon(nsp: Nsp, sid: string): void {
  const socket = nsp.sockets.get(sid);
  const early = socket ? undefined : nsp._preConnectSockets?.get(sid);
  const conn = socket?.conn ?? early?.conn;
  conn?.close(true);
  if (nsp.sockets.has(sid)) conn?.onClose?.("forced close");
  // The socket is not connected yet: a middleware still looks at it, and Socket.IO would clean up when that
  // is done. By then its id may be that of another socket. So it is done now, and only once.
  early?._cleanup?.();
  if (early) early._cleanup = () => {};
}

/**
 * Makes clients recover that have not received any packet. Socket.IO does not restore a session without an
 * offset. For such a client the offset is empty here, which means the moment in which its session was opened.
 */
export function letFreshClientsRecover(nsp: Nsp): void {
  const createSocket = nsp._createSocket;
  if (typeof createSocket !== "function") return;
  nsp._createSocket = function (client, auth) {
    const fresh = typeof auth?.pid === "string" && auth.offset === undefined;
    return createSocket.call(this, client, fresh ? { ...auth, offset: "" } : auth);
  };
}
