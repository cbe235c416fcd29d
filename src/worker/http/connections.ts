// SPDX-License-Identifier: MIT
import type { Server as HttpServer, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { hasOpenAnswer } from "../../node-internals";
import type { ServerNumber } from "../../protocol/messages";

/** The connections of a worker's HTTP servers: those from the primary, and those of other workers, its peers. */
export class Connections {
  /** From the primary. */
  readonly public = new Set<Socket>();
  /** Those of them that have not been upgraded. */
  private readonly http = new Set<Socket>();
  private readonly ofPeers = new Set<Socket>();
  /** Answers to requests of peers. */
  readonly answersToPeers = new Set<ServerResponse>();

  private readonly servers: HttpServer[] = [];
  /** The number of the server that a connection is of. */
  private readonly numbers = new WeakMap<Socket, ServerNumber>();

  /** @param onChange a connection has come or gone */
  constructor(private readonly onChange: () => void) {}

  /** A server whose connections these are. */
  addServer(server: HttpServer): void {
    this.servers.push(server);
  }

  /** The number of the server that a connection was given to. */
  serverOf(socket: Socket): ServerNumber {
    return this.numbers.get(socket) ?? 0;
  }

  /** A connection that the primary gave to one of our servers. */
  add(socket: Socket, server: ServerNumber): void {
    this.numbers.set(socket, server);
    this.http.add(socket);
    this.addUpgraded(socket);
    this.onChange();
  }

  /** The same for one that speaks WebSocket already. */
  addUpgraded(socket: Socket): void {
    this.public.add(socket);
    socket.once("close", () => {
      this.remove(socket);
      this.onChange();
    });
  }

  upgraded(socket: Socket): void {
    this.http.delete(socket);
  }

  /** A connection that is not ours any more. */
  remove(socket: Socket): void {
    this.public.delete(socket);
    this.http.delete(socket);
  }

  addOfPeer(socket: Socket): void {
    this.ofPeers.add(socket);
    socket.once("close", () => this.ofPeers.delete(socket));
    // The other worker decides when it needs the connection no more; closing it here would race with its next request.
    socket.setTimeout = () => socket;
  }

  isOfPeer(socket: Socket): boolean {
    return this.ofPeers.has(socket);
  }

  /**
   * Connections from the primary on which no request is under way. Node's parser alone knows which these are, and
   * `closeIdleConnections` tells: it destroys them, which is prevented here. Those of peers stay open in any case: their
   * next request may be on its way.
   */
  idle(): Socket[] {
    const idle: Socket[] = [];
    for (const socket of this.ofPeers) socket.destroy = () => socket;
    for (const socket of this.http) {
      socket.destroy = () => {
        idle.push(socket);
        return socket;
      };
    }
    for (const server of this.servers) server.closeIdleConnections();
    for (const socket of this.http) Reflect.deleteProperty(socket, "destroy");
    for (const socket of this.ofPeers) Reflect.deleteProperty(socket, "destroy");
    // What has an answer under way comes here again at its end.
    return idle.filter((socket) => !hasOpenAnswer(socket));
  }
}
