// SPDX-License-Identifier: MIT
import type { Worker } from "node:cluster";
import type { Arrival } from "../connections/arrival";

/**
 * What is said to, and by, a worker whose copies of `@socket.io/sticky` and `@socket.io/cluster-adapter` could not be
 * replaced because they are part of a bundle. Such a worker is served in the protocol of these packages: it announces
 * sessions with `sticky:connection` and `sticky:disconnection`, it is given sockets with `sticky:connection`, and
 * messages of its adapter have the source `_sio_adapter`.
 */
export type OfficialMessage =
  | { type: "sticky:connection" | "sticky:disconnection"; data: string }
  | { source: "_sio_adapter"; uid?: string; requesterUid?: string };

export function isOfficialMessage(message: unknown): message is OfficialMessage {
  if (typeof message !== "object" || message === null) return false;
  const { type, data, source } = message as Record<string, unknown>;
  if (source === "_sio_adapter") return true;
  return (type === "sticky:connection" || type === "sticky:disconnection") && typeof data === "string";
}

/** A worker that is served in that protocol. */
export class OfficialWorker {
  /** How many connections it was given. */
  handedOff = 0;
  private readonly uids = new Set<string>();

  constructor(private readonly worker: Worker) {}

  /**
   * Gives it a connection. The protocol has no acknowledgement, so the connection is the worker's
   * as soon as it is sent.
   */
  offer({ socket, head }: Arrival): void {
    this.handedOff++;
    this.worker.send({ type: "sticky:connection", data: head } as never, socket, (error) => {
      if (error) socket.destroy();
    });
  }

  relay(message: OfficialMessage): void {
    if (this.worker.isConnected()) this.worker.send(message as never, undefined, () => {});
  }

  /** Remembers that the adapter with this uid is in this worker. */
  learn(uid: string | undefined): void {
    if (uid) this.uids.add(uid);
  }

  has(uid: string): boolean {
    return this.uids.has(uid);
  }
}
