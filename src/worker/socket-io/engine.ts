// SPDX-License-Identifier: MIT
import type { Server as HttpServer, IncomingMessage } from "node:http";

/**
 * What we use of Engine.IO and Socket.IO, all of it documented, written down structurally: the app's own copies may be
 * of another version than any we could import types from.
 */
export interface EngineSocket {
  readonly id: string;
  close(): unknown;
  once(event: "close", listener: () => void): unknown;
}

export interface Engine {
  clients: Record<string, EngineSocket>;
  generateId(request: IncomingMessage): string | Promise<string>;
  on(event: "connection", listener: (socket: EngineSocket) => void): unknown;
}

export interface SocketIoServer {
  readonly engine: Engine;
  readonly httpServer: HttpServer;
  // biome-ignore lint/suspicious/noExplicitAny: the adapter class as Socket.IO types it, in any version
  adapter(): any;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  adapter(adapterClass: any): unknown;
}
