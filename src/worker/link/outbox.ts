// SPDX-License-Identifier: MIT
import { type Gate, gate, type WritingClient } from "../socket-io/gate";
import { throwLater } from "./throw-later";

/** A packet that is on its way to the primary and back. */
interface Sent {
  /** Writes it to the clients of this process; `order` is its place, unless there is no primary any more. */
  deliver(order: number | undefined): void;
  /** Writes it to one socket that leaves for good. */
  deliverTo(sid: string): void;
}

interface Held {
  client: WritingClient;
  /** How many packets had been sent to the primary before. */
  after: number;
  write(): void;
}

/**
 * Keeps the program's order. With connection state recovery most packets go by way of the primary, which puts them in
 * order, before this worker writes them to its own clients; acknowledgements, volatile and local packets are written at
 * once, and would overtake what was emitted before them. So they are held until that has come back:
 *
 *     written ──nothing is on its way──▶ passed on
 *        └──something is──▶ held ──all that was sent before has come back──▶ passed on
 *                             └──its socket leaves for good──▶ passed on, after the packets for that socket
 *
 * One for all namespaces, because they share their connections.
 */
export class Outbox implements Gate {
  private readonly onItsWay: Sent[] = [];
  private sentCount = 0;
  private held: Held[] = [];
  private writingInPlace = false;
  /** The next packet for this client tells that it is connected; and what follows it. */
  private connecting: { client: WritingClient; then: () => void } | undefined;

  /** How many of the packets that were sent are back. */
  private get back(): number {
    return this.sentCount - this.onItsWay.length;
  }

  get isEmpty(): boolean {
    return this.onItsWay.length === 0;
  }

  /** A packet goes to the primary. */
  send(packet: Sent): void {
    this.sentCount++;
    this.onItsWay.push(packet);
  }

  /** The oldest of the packets on their way has come back. */
  cameBack(order: number): void {
    this.deliverNext(order);
  }

  /** Nothing will come back any more. */
  giveUp(): void {
    while (!this.isEmpty) this.deliverNext(undefined);
  }

  /** Writes what comes from the primary, in its order: it waits for nothing. */
  writeInPlace(write: () => void): void {
    const before = this.writingInPlace;
    this.writingInPlace = true;
    try {
      write();
    } finally {
      this.writingInPlace = before;
    }
  }

  /** A socket is about to tell its client that it is connected; `then` writes what follows. */
  connects(client: WritingClient, then: () => void): void {
    if (gate(client, this)) this.connecting = { client, then };
    else process.nextTick(() => this.writeInPlace(then));
  }

  /** Whether something waits for this client. */
  holds(client: WritingClient): boolean {
    return this.held.some((held) => held.client === client);
  }

  /** The socket leaves for good: what is on its way to it, and what waits for its client, is written now. */
  flush(client: WritingClient, sid: string): void {
    if (this.isEmpty) return;
    const mine = this.held.filter((held) => held.client === client);
    this.held = this.held.filter((held) => held.client !== client);
    const { back } = this;
    this.writeInPlace(() => {
      this.onItsWay.forEach((packet, i) => {
        while (mine.length > 0 && mine[0]!.after <= back + i) mine.shift()!.write();
        packet.deliverTo(sid);
      });
      for (const { write } of mine) write();
    });
  }

  isOpenFor(client: WritingClient): boolean {
    if (this.connecting?.client === client) return false;
    return this.writingInPlace || this.isEmpty;
  }

  hold(client: WritingClient, write: () => void): void {
    if (this.connecting?.client !== client) {
      this.held.push({ client, after: this.sentCount, write });
      return;
    }
    const { then } = this.connecting;
    this.connecting = undefined;
    write();
    this.writeInPlace(then);
  }

  /** Listeners of the app may throw in it; whoever waits for this packet waits for it alone. */
  private deliverNext(order: number | undefined): void {
    const packet = this.onItsWay.shift();
    if (packet) throwLater(() => this.writeInPlace(() => packet.deliver(order)));
    this.release();
  }

  private release(): void {
    let free = 0;
    while (free < this.held.length && this.held[free]!.after <= this.back) free++;
    if (free > 0) for (const { write } of this.held.splice(0, free)) throwLater(write);
  }
}
