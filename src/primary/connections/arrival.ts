// SPDX-License-Identifier: MIT
import type { Socket } from "node:net";
import type { Clock } from "../../clock";
import { type Log, shield } from "../../log";
import { resumeReading, stopReading } from "../../node-internals";
import type { MovedSession } from "../../protocol/messages";
import { AgedSet } from "./aged-set";
import { scanHead, startOfLine } from "./request-head";

/** A connection whose request line has arrived, and which is to be given to a worker. */
export interface Arrival {
  socket: Socket;
  /** All bytes that were read from it. */
  head: Buffer;
  sessionId?: string;
  /** The path of an Engine.IO request that opens a session, so that it is given to a worker with Socket.IO there. */
  enginePath?: string;
  /** How often it was to be given to a worker and was not. */
  attempts: number;
  /** Set if it is the connection of a session that moves. */
  session?: MovedSession;
}

/** A connection that came to a public address, and that address. */
export interface PublicArrival<P> extends Arrival {
  place: P;
}

export interface ArrivalLimits {
  headTimeoutMs: number;
  maxHeadSize: number;
  maxPending: number;
}

type Refusal = 400 | 408 | 431 | 503;

const REASONS: Record<Refusal, string> = {
  400: "Bad Request",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
  503: "Service Unavailable",
};
/** How long a refused client may take to read the answer and to close the connection. */
const LINGER_MS = 1000;

/** Answers a connection that no worker gets, and closes it. */
export function refuse(socket: Socket, status: Refusal): void {
  const retry = status === 503 ? "Retry-After: 1\r\n" : "";
  socket.setTimeout(LINGER_MS, () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${REASONS[status]}\r\n${retry}Connection: close\r\nContent-Length: 0\r\n\r\n`,
  );
  // If bytes were left unread, closing the socket would send a reset, and the client might never see the answer.
  resumeReading(socket);
}

/**
 * Connections whose request line has not arrived yet. Each is read until its request line is complete, turns out to be
 * wrong or too long, or takes too long. There are at most `maxPending` of them.
 *
 *     add ──▶ reading ──complete──▶ onArrival (reading stopped, all bytes kept)
 *                ├──malformed──▶ 400    ├──too large──▶ 431
 *                ├──headTimeout──▶ 408, or closed in silence if a worker gave it back idle
 *                └──closed by the client, or the oldest of too many──▶ gone
 */
export class Arrivals<P> {
  private readonly pending: AgedSet<PendingHead<P>>;

  constructor(
    private readonly limits: ArrivalLimits,
    private readonly log: Log,
    clock: Clock,
    private readonly onArrival: (arrival: PublicArrival<P>) => void,
  ) {
    this.pending = new AgedSet(clock, limits.headTimeoutMs, (head) => this.expire(head));
  }

  /** How many connections have no complete request line. */
  get size(): number {
    return this.pending.size;
  }

  /** Reads the request line of a fresh connection to an address. */
  add(socket: Socket, place: P): void {
    this.read(socket, place, Buffer.alloc(0), false);
  }

  /** Reads the next request line of a connection that a worker gives back, with what the worker has read of it. */
  takeBack(socket: Socket, place: P, bytes: Buffer): void {
    this.read(socket, place, bytes, bytes.length === 0);
  }

  close(): void {
    for (const { socket } of this.pending.clear()) socket.destroy();
  }

  private read(socket: Socket, place: P, bytes: Buffer, idle: boolean): void {
    const head: PendingHead<P> = { socket, place, bytes: Buffer.alloc(0), idle, onData: () => {} };
    head.onData = shield(this.log, (chunk: Buffer) => this.grow(head, chunk));
    socket.on("error", ignore);
    socket.on("close", () => this.pending.delete(head));
    this.pending.add(head);
    if (bytes.length > 0 && this.grow(head, bytes) !== "more") return;
    if (this.pending.size > this.limits.maxPending) this.pending.shift()?.socket.destroy();
    socket.on("data", head.onData);
    // The client sends nothing more, so its request line will never be complete.
    socket.on("end", () => {
      if (this.pending.delete(head)) socket.destroy();
    });
  }

  private grow(head: PendingHead<P>, chunk: Buffer): "more" | "done" {
    head.bytes = head.bytes.length === 0 ? chunk : Buffer.concat([head.bytes, chunk]);
    const scan = scanHead(head.bytes);
    if (scan.state === "more" && head.bytes.length <= this.limits.maxHeadSize) return "more";
    this.pending.delete(head);
    head.socket.removeListener("data", head.onData);
    if (scan.state === "malformed") {
      refuse(head.socket, 400);
    } else if (scan.state === "more" || lineTooLong(head.bytes, this.limits.maxHeadSize)) {
      refuse(head.socket, 431);
    } else {
      stopReading(head.socket);
      head.socket.removeAllListeners("end");
      const { socket, place, bytes } = head;
      const { sessionId, enginePath } = scan;
      this.onArrival({ socket, place, head: bytes, sessionId, enginePath, attempts: 0 });
    }
    return "done";
  }

  private expire(head: PendingHead<P>): void {
    head.socket.removeListener("data", head.onData);
    if (head.idle && head.bytes.length === 0) head.socket.destroy();
    else refuse(head.socket, 408);
  }
}

interface PendingHead<P> {
  socket: Socket;
  place: P;
  bytes: Buffer;
  /** Whether a worker gave it back between two requests: if no next one comes, it is closed without an answer. */
  idle: boolean;
  onData: (chunk: Buffer) => void;
}

/** Whether a complete request line is too long: one chunk may bring it above the limit and contain its end as well. */
function lineTooLong(bytes: Buffer, limit: number): boolean {
  return bytes.length > limit && bytes.indexOf("\n", startOfLine(bytes)) > limit;
}

function ignore(): void {}
