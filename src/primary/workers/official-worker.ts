// SPDX-License-Identifier: MIT
import type { Worker } from "node:cluster";
import type { Arrival } from "../connections/arrival";

/**
 * A worker whose copies of `@socket.io/sticky` and `@socket.io/cluster-adapter` could not be replaced, because they are
 * part of a bundle. It is served in the language of those packages: sessions are announced with `sticky:connection`
 * and `sticky:disconnection`, sockets are passed with `sticky:connection`, and adapter messages have the source
 * `_sio_adapter`.
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

export class OfficialWorker {
  handedOff = 0;
  private readonly uids = new Set<string>();

  constructor(private readonly worker: Worker) {}

  /** There is no acknowledgement in this protocol: the connection is the worker's as soon as it is sent. */
  offer({ socket, head }: Arrival): void {
    this.handedOff++;
    this.worker.send({ type: "sticky:connection", data: head } as never, socket, (error) => {
      if (error) socket.destroy();
    });
  }

  relay(message: OfficialMessage): void {
    if (this.worker.isConnected()) this.worker.send(message as never, undefined, () => {});
  }

  /** Remembers that the adapter which sent this message lives here. */
  learn(uid: string | undefined): void {
    if (uid) this.uids.add(uid);
  }

  has(uid: string): boolean {
    return this.uids.has(uid);
  }
}
