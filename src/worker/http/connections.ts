// SPDX-License-Identifier: MIT
import type { Server as HttpServer, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { hasOpenAnswer } from "../../node-internals";
import type { ServerNumber } from "../../protocol/messages";

/**
 * The connections of a worker's HTTP servers. The primary hands over those of clients; other workers
 * ("peers") connect by themselves, to the servers' private addresses, in order to pass requests on.
 */
export class Connections {
  /** The connections of clients, which came from the primary. */
  readonly public = new Set<Socket>();
  /** Those of them that still speak HTTP. */
  private readonly http = new Set<Socket>();
  private readonly ofPeers = new Set<Socket>();
  /** Requests of peers that are not answered yet. */
  readonly answersToPeers = new Set<ServerResponse>();

  private readonly servers: HttpServer[] = [];
  /** Which of the worker's servers a connection was given to. */
  private readonly numbers = new WeakMap<Socket, ServerNumber>();

  /** @param onChange is called when a connection of a client has come or gone */
  constructor(private readonly onChange: () => void) {}

  addServer(server: HttpServer): void {
    this.servers.push(server);
  }

  serverOf(socket: Socket): ServerNumber {
    return this.numbers.get(socket) ?? 0;
  }

  /** Adds a connection that the primary gave to one of the servers. */
  add(socket: Socket, server: ServerNumber): void {
    this.numbers.set(socket, server);
    this.http.add(socket);
    this.addUpgraded(socket);
    this.onChange();
  }

  /** Adds a connection that speaks WebSocket already: that of a session which has moved here. */
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

  remove(socket: Socket): void {
    this.public.delete(socket);
    this.http.delete(socket);
  }

  addOfPeer(socket: Socket): void {
    this.ofPeers.add(socket);
    socket.once("close", () => this.ofPeers.delete(socket));
    // Only the peer closes this connection, when it needs it no more. A time-out on this side could close it
    // in the moment in which the peer's next request is on its way.
    socket.setTimeout = () => socket;
  }

  isOfPeer(socket: Socket): boolean {
    return this.ofPeers.has(socket);
  }

  /**
   * The clients' connections on which no request is under way. Only Node's HTTP parser knows which these are,
   * and only `closeIdleConnections` gives it away, by destroying them. So `destroy` is replaced meanwhile by
   * a function that notes the socket. The connections of peers are kept from being destroyed as well: their
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
    // A connection whose answer is still being written is left out now. The drain looks again when that
    // answer has ended.
    return idle.filter((socket) => !hasOpenAnswer(socket));
  }
}
