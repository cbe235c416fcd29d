// SPDX-License-Identifier: MIT
import type { SioClient } from "./objects";

/** What all namespaces of a connection write to. */
export type WritingClient = Pick<SioClient, "writeToEngine">;

/**
 * Decides when something is written to a client. Whatever any namespace writes passes the client's
 * `writeToEngine`.
 */
export interface Gate {
  isOpenFor(client: WritingClient): boolean;
  /** Keeps what would be written; `write` is to be called once it may be. */
  hold(client: WritingClient, write: () => void): void;
}

const gated = new WeakSet<WritingClient>();

/**
 * Puts a gate in front of everything that is written to a client. Returns false if the installed Socket.IO
 * has nowhere to put it.
 */
export function gate(client: WritingClient, at: Gate): boolean {
  const { writeToEngine } = client;
  if (typeof writeToEngine !== "function") return false;
  if (gated.has(client)) return true;
  gated.add(client);
  client.writeToEngine = function (packets, options) {
    if (at.isOpenFor(client)) writeToEngine.call(this, packets, options);
    else at.hold(client, () => writeToEngine.call(this, packets, options));
  };
  return true;
}
