import { createServer } from "node:http";
import { createRequire } from "node:module";
import { io as connect } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import { missingFromServer, missingFromSession } from "../../../../src/worker/socket-io/parts";

const load = createRequire(__filename);
const RELEASES = ["socket.io-4-6", "socket.io-4-7", "socket.io"];
const nothing = () => {};

// biome-ignore lint/suspicious/noExplicitAny: its private parts
type Private = any;

/** A server of that release and one of its sessions, taken apart. */
async function serving(release: string, transport: string) {
  const { Server } = load(release);
  const httpServer = createServer();
  const io: Private = new Server(httpServer, { connectionStateRecovery: {} });
  const port = await new Promise<number>((resolve) => {
    httpServer.listen(0, "127.0.0.1", () => resolve((httpServer.address() as { port: number }).port));
  });
  const client = connect(`http://127.0.0.1:${port}`, { transports: [transport] });
  onTestFinished(() => {
    client.close();
    io.close();
  });
  const socket = await new Promise<Private>((resolve) => io.once("connection", resolve));
  return { io, socket };
}

for (const release of RELEASES) {
  for (const transport of ["websocket", "polling"]) {
    test(`nothing is missing from ${release} with ${transport}`, async () => {
      const { io, socket } = await serving(release, transport);
      expect(missingFromServer(io)).toBeUndefined();
      expect(missingFromSession(socket.client.conn, [socket])).toBeUndefined();
    });
  }
}

const SOCKET = { acks: new Map(), _onclose: nothing, ack: nothing };
const RECEIVER = { _state: 0, _bufferedBytes: 0, _fragmented: 0 };
const WEBSOCKET = { _socket: {}, _receiver: RECEIVER };
const encoder = { encode: () => [] };
const CONN = { onClose: nothing, sendPacket: nothing, writeBuffer: [] };

function missing(socket: object, conn: object, ws: object): string | undefined {
  const transport = { name: "websocket", socket: ws };
  return missingFromSession({ ...conn, transport } as Private, [socket as Private]);
}

test("every part that is needed is missed, by its name", () => {
  expect(missing(SOCKET, CONN, WEBSOCKET)).toBeUndefined();
  for (const name of Object.keys(SOCKET)) {
    expect(missing({ ...SOCKET, [name]: undefined }, CONN, WEBSOCKET)).toBe(`Socket.${name}`);
  }
  for (const name of Object.keys(CONN)) {
    expect(missing(SOCKET, { ...CONN, [name]: undefined }, WEBSOCKET)).toBe(`engine.Socket.${name}`);
  }
  for (const name of Object.keys(RECEIVER)) {
    const ws = { ...WEBSOCKET, _receiver: { ...RECEIVER, [name]: undefined } };
    expect(missing(SOCKET, CONN, ws)).toBe(`ws.Receiver.${name}`);
  }
  expect(missing(SOCKET, CONN, {})).toBe("WebSocket._socket");
  expect(missingFromServer({})).toBe("Server.encoder");
  expect(missingFromServer({ encoder, engine: {} as Private })).toBe("engine.handleUpgrade");
});

test("a release of ws is known before its first session", () => {
  class Receiver {
    _state = 0;
    _bufferedBytes = "none";
  }
  const ws = { options: { WebSocket: { Receiver } } };
  const engine = { handleUpgrade: nothing, handleRequest: nothing, ws };
  expect(missingFromServer({ encoder, engine: engine as Private })).toBe("ws.Receiver._bufferedBytes");
});
