// SPDX-License-Identifier: MIT
import { type Adapter, SessionAwareAdapter } from "socket.io-adapter";
import type { Nsp } from "../socket-io/objects";
import { restoresSessions } from "../socket-io/recovering";

/**
 * Recovery in a process that is not a cluster worker, by Socket.IO's own adapter for it, which keeps packets
 * and sessions in memory. It works on the rooms of our `adapter`. `undefined` if the server does not restore
 * sessions.
 */
export function recoveryInProcess({ rooms, sids }: Adapter, nsp: Nsp): SessionAwareAdapter | undefined {
  if (!restoresSessions(nsp)) return undefined;
  return Object.assign(new SessionAwareAdapter(nsp), { rooms, sids });
}
