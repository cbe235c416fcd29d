// SPDX-License-Identifier: MIT
import { describe } from "../../errors";
import type { Nsp } from "./objects";

/** What recovery has to know of a namespace, and to change in it. */

/** Socket.IO's own default of `maxDisconnectionDuration`. */
const DEFAULT_RECOVERABLE_MS = 120_000;
/** Servers whose duration is no number; each is reported once, not with every namespace. */
const reported = new WeakSet<object>();

/**
 * How long sessions can be restored; `undefined` if the server does not restore them. `"60000"` and `null` are the
 * numbers that Socket.IO calculates with. With what is no number it would keep every session for good; here that is the
 * default, as the app did ask for recovery.
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
  // Infinity does not survive JSON.
  return Math.min(Math.max(ms, 0), Number.MAX_SAFE_INTEGER);
}

/** After how long a client that does not answer a ping is lost. */
export function pongMs({ server }: Nsp): number {
  return (server.opts?.pingInterval ?? 25_000) + (server.opts?.pingTimeout ?? 20_000);
}

/** Closes the connection of a socket whose client is elsewhere, at once, whatever waits to be written to it. */
export function abandon(nsp: Nsp, sid: string): void {
  const socket = nsp.sockets.get(sid);
  const early = socket ? undefined : nsp._preConnectSockets?.get(sid);
  const conn = socket?.conn ?? early?.conn;
  conn?.close(true);
  if (nsp.sockets.has(sid)) conn?.onClose?.("forced close");
  // A middleware still looks at it; when that is done, its id may be another socket's.
  early?._cleanup?.();
  if (early) early._cleanup = () => {};
}

/**
 * Socket.IO restores nothing for a client that has not received any packet, because it has no offset yet. Such a client
 * starts where its session was opened: its offset is empty.
 */
export function letFreshClientsRecover(nsp: Nsp): void {
  const createSocket = nsp._createSocket;
  if (typeof createSocket !== "function") return;
  nsp._createSocket = function (client, auth) {
    const fresh = typeof auth?.pid === "string" && auth.offset === undefined;
    return createSocket.call(this, client, fresh ? { ...auth, offset: "" } : auth);
  };
}
