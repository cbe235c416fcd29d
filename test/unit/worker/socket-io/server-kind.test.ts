import { EventEmitter } from "node:events";
import { createServer, Server as HttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { Server as EngineServer } from "engine.io";
import { Server } from "socket.io";
import { Server as Server46 } from "socket.io-4-6";
import { Adapter, SessionAwareAdapter } from "socket.io-adapter";
import { expect, test } from "vitest";
import { unserved } from "../../../../src/worker/bind/servable";
import { isInMemoryAdapter } from "../../../../src/worker/socket-io/in-memory";
import type { SocketIoServer } from "../../../../src/worker/socket-io/objects";
import { serverPrototype } from "../../../../src/worker/socket-io/server-kind";

class Derived extends Server {
  override path(): never {
    throw new Error("not called");
  }
}

test.each([
  ["Socket.IO", Server, Server],
  ["Socket.IO 4.6", Server46, Server46],
  ["a class derived from it", Derived, Server],
])("%s is known by what its servers can do", (_, kind, owner) => {
  expect(serverPrototype(kind.prototype)).toBe(owner.prototype);
});

test.each([
  ["an emitter", EventEmitter],
  ["an HTTP server", HttpServer],
  ["Engine.IO", EngineServer],
])("%s is no Socket.IO server", (_, kind) => {
  expect(serverPrototype(kind.prototype)).toBeUndefined();
});

test("the adapters that come with Socket.IO are known without their names, as a minifier leaves them", () => {
  for (const adapter of [Adapter, SessionAwareAdapter]) {
    Object.defineProperty(adapter, "name", { value: "a" });
    expect(isInMemoryAdapter(adapter)).toBe(true);
  }
});

test.each([
  [
    "an adapter that can emit to other servers",
    class extends Adapter {
      override serverSideEmit() {}
    },
  ],
  [
    "an adapter derived from theirs",
    class extends Adapter {
      more() {}
    },
  ],
  ["a function that makes adapters", () => ({})],
  ["nothing", undefined],
])("%s is the app's own", (_, adapter) => {
  expect(isInMemoryAdapter(adapter)).toBe(false);
});

test("what cannot be served is named", () => {
  const on = (httpServer: unknown) => unserved({ httpServer } as SocketIoServer);
  expect(on(createServer())).toBeUndefined();
  expect(on(createHttp2Server())).toBe("an HTTP/2 server");
  expect(on(undefined)).toContain("no HTTP server of Node");
});
