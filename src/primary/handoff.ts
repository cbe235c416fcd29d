// SPDX-License-Identifier: MIT
import { type Handle, handleOf } from "../node-internals";
import { seal } from "../protocol/ipc";
import type { Arrival } from "./arrival";

/** Sends an IPC message with a handle to a worker. */
export type SendHandle = (message: object, handle: Handle, callback: (error: Error | null) => void) => void;

/**
 * Passing fresh connections from the primary to one worker. The primary keeps its side of a connection until the
 * worker says that it has it: if the worker dies before that, no byte is lost and somebody else gets the connection.
 *
 *     offer ──▶ offered ──accepted──▶ the worker's; our handle is closed
 *                  └──refused, send failed, worker gone──▶ onReturn
 */
export class Handoff {
  private readonly offered = new Map<number, Arrival>();
  private nextSeq = 1;
  /** How many connections the worker has accepted. */
  count = 0;

  constructor(
    private readonly send: SendHandle,
    private readonly onReturn: (arrival: Arrival) => void,
  ) {}

  /** Connections that are on their way. */
  get pending(): number {
    return this.offered.size;
  }

  offer(arrival: Arrival): void {
    const handle = handleOf(arrival.socket);
    if (!handle) return; // closed by the client meanwhile
    const seq = this.nextSeq++;
    this.offered.set(seq, arrival);
    this.send(seal({ handoff: seq, head: arrival.head.toString("latin1") }), handle, (error) => {
      if (error) this.refused(seq);
    });
  }

  accepted(seq: number): void {
    const arrival = this.take(seq);
    if (!arrival) return;
    this.count++;
    // Closes this process's handle only: the worker's keeps the connection open.
    arrival.socket.destroy();
  }

  refused(seq: number): void {
    const arrival = this.take(seq);
    if (arrival) this.onReturn(arrival);
  }

  /** The worker is gone: whatever it has not accepted goes to somebody else. */
  abandon(): void {
    const arrivals = [...this.offered.values()];
    this.offered.clear();
    for (const arrival of arrivals) this.onReturn(arrival);
  }

  private take(seq: number): Arrival | undefined {
    const arrival = this.offered.get(seq);
    this.offered.delete(seq);
    return arrival;
  }
}
