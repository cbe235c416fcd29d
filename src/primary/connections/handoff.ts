// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";
import { type Handle, handleOf } from "../../node-internals";
import { seal } from "../../protocol/ipc";
import type { ServerNumber } from "../../protocol/messages";
import { AgedSet } from "./aged-set";
import { type Arrival, refuse } from "./arrival";

export interface HandoffLimits {
  queueTimeoutMs: number;
  maxPending: number;
}

/** Sends an IPC message with a handle to a worker. */
export type SendHandle = (message: object, handle: Handle, callback: (error: Error | null) => void) => void;

/**
 * How many connections may be on their way to a worker at once. The others wait here, where they can still be refused.
 * Node sends one handle after the other in any case, but if we waited for each to be accepted, each would take a turn
 * of both event loops (benchmark row `handshakes`).
 */
const WINDOW = 64;

/**
 * Hands connections from the primary to one worker. The primary keeps its own handle of a connection, and what it has
 * read from it, until the worker says that it has the connection. If the worker dies before that, no byte is lost, and
 * another worker gets the connection.
 *
 *     offer ──▶ waiting ──▶ offered ──accepted──▶ the worker's; our handle is closed
 *                  │           └──refused, send failed, worker gone──▶ onReturn
 *                  ├──worker gone──▶ onReturn
 *                  └──queueTimeout, or the oldest of too many──▶ 503; onReturn in the middle of a session
 */
export class Handoff {
  private readonly waiting: AgedSet<Arrival>;
  private readonly offered = new Map<number, Arrival>();
  private readonly serverOf = new WeakMap<Arrival, ServerNumber | undefined>();
  private nextSeq = 1;
  /** How many connections the worker has accepted. */
  count = 0;

  constructor(
    clock: Clock,
    private readonly limits: HandoffLimits,
    private readonly send: SendHandle,
    private readonly onReturn: (arrival: Arrival) => void,
  ) {
    this.waiting = new AgedSet(clock, limits.queueTimeoutMs, (arrival) => this.giveUp(arrival));
  }

  /** How many connections the worker is to get and has not accepted yet. */
  get pending(): number {
    return this.waiting.size + this.offered.size;
  }

  /**
   * @param server which of the worker's servers it is for; `undefined` if it is the connection of a session that moves
   */
  offer(arrival: Arrival, server: ServerNumber | undefined): void {
    this.waiting.add(arrival);
    this.serverOf.set(arrival, server);
    this.next();
    if (this.waiting.size > this.limits.maxPending) {
      const oldest = this.waiting.shift();
      if (oldest) this.giveUp(oldest);
    }
  }

  accepted(seq: number): void {
    const arrival = this.take(seq);
    if (!arrival) return;
    this.count++;
    // This closes only the primary's handle. The worker has its own, which keeps the connection open.
    arrival.socket.destroy();
    this.next();
  }

  refused(seq: number): void {
    const arrival = this.take(seq);
    if (!arrival) return;
    this.onReturn(arrival);
    this.next();
  }

  /** The worker is gone: the connections that it has not accepted go to other workers. */
  abandon(): void {
    const arrivals = [...this.offered.values(), ...this.waiting.clear()];
    this.offered.clear();
    for (const arrival of arrivals) this.onReturn(arrival);
  }

  private next(): void {
    while (this.offered.size < WINDOW && this.waiting.size > 0) this.sendOne(this.waiting.shift()!);
  }

  private sendOne(arrival: Arrival): void {
    const handle = handleOf(arrival.socket);
    if (!handle) {
      // The client has closed the connection meanwhile. That ends the matter, unless a session moves with it: whoever
      // moves the session has to know.
      if (arrival.session) this.onReturn(arrival);
      return;
    }
    const seq = this.nextSeq++;
    this.offered.set(seq, arrival);
    const { head, session } = arrival;
    const server = this.serverOf.get(arrival);
    this.send(seal({ handoff: seq, server, head: head.toString("latin1"), session }), handle, (error) => {
      if (error) this.refused(seq);
    });
  }

  /** The worker did not take the connection in time. In the middle of a session the client cannot be sent a 503. */
  private giveUp(arrival: Arrival): void {
    if (arrival.session) this.onReturn(arrival);
    else refuse(arrival.socket, 503);
  }

  private take(seq: number): Arrival | undefined {
    const arrival = this.offered.get(seq);
    this.offered.delete(seq);
    return arrival;
  }
}
