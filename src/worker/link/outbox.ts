// SPDX-License-Identifier: MIT
import { type Gate, gate, type WritingClient } from "../socket-io/gate";
import { throwLater } from "./throw-later";

/** A packet of this worker that is on its way to the primary and back. */
interface Sent {
  /**
   * Writes it to the clients of this process. `order` is its place; `undefined` if there is no primary any
   * more to give it one.
   */
  deliver(order: number | undefined): void;
  /** Writes it to this socket alone, which leaves for good, if the packet is for it. */
  deliverTo(sid: string): void;
}

interface Held {
  client: WritingClient;
  /**
   * How many packets this worker had sent to the primary before this was written. It waits until so many are
   * back.
   */
  after: number;
  write(): void;
}

/**
 * Keeps the order in which the app emits. With connection state recovery most packets go to the primary
 * first, which puts them in order, and are written to this worker's own clients when they are back.
 * Acknowledgements, volatile and local packets are written without that, and would overtake what the app has
 * emitted before them. So they are held until that is back:
 *
 *     written ──nothing is on its way──▶ passed on
 *        └──something is──▶ held ──all that was sent before has come back──▶ passed on
 *                             └──its socket leaves for good──▶ passed on, after the packets for that socket
 *
 * There is one outbox for all namespaces of a process, because they share the connections of their clients.
 */
export class Outbox implements Gate {
  private readonly onItsWay: Sent[] = [];
  private sentCount = 0;
  private held: Held[] = [];
  private writingInPlace = false;
  /**
   * A client that is about to be told that it is connected, which is the next packet written to it; `then`
   * writes what follows.
   */
  private connecting: { client: WritingClient; then: () => void } | undefined;

  private get back(): number {
    return this.sentCount - this.onItsWay.length;
  }

  get isEmpty(): boolean {
    return this.onItsWay.length === 0;
  }

  /** Notes a packet that was sent to the primary. */
  send(packet: Sent): void {
    this.sentCount++;
    this.onItsWay.push(packet);
  }

  /**
   * The oldest of the packets on their way has got its place. (The primary answers in the order in which they
   * were sent.)
   */
  cameBack(order: number): void {
    this.deliverNext(order);
  }

  /** Nothing will come back any more: what is on its way is written now, without a place. */
  giveUp(): void {
    while (!this.isEmpty) this.deliverNext(undefined);
  }

  /**
   * Lets `write` write to clients without being held: for what comes from the primary, and so is in order
   * already.
   */
  writeInPlace(write: () => void): void {
    const before = this.writingInPlace;
    this.writingInPlace = true;
    try {
      write();
    } finally {
      this.writingInPlace = before;
    }
  }

  /**
   * A socket is about to tell its client that it is connected; `then` writes what has to follow right after
   * that. If the installed Socket.IO does not let us see that packet, `then` runs at the end of this tick.
   */
  connects(client: WritingClient, then: () => void): void {
    if (gate(client, this)) this.connecting = { client, then };
    else process.nextTick(() => this.writeInPlace(then));
  }

  /** Whether something that was written to this client is held. */
  holds(client: WritingClient): boolean {
    return this.held.some((held) => held.client === client);
  }

  /**
   * The socket leaves for good. What is on its way to it, and what is held for its client, is written now, in
   * the order in which the app has emitted it; later nobody would be there to get it.
   */
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

  /**
   * The app's listeners (`onAnyOutgoing`) may throw while a packet is written. What is held must not wait for
   * ever because of it.
   */
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
