import { expect, test } from "vitest";
import type { EngineSocket, SioSocket } from "../../../../src/worker/socket-io/objects";
import { atMessageBoundary, rememberClient } from "../../../../src/worker/socket-io/take-apart";

/** A session over polling, and the part of its packet decoder that says whether attachments are still to come. */
function session() {
  const decoder: { reconstructor?: object | null } = {};
  const transport = { name: "polling", dataReq: null as object | null };
  const conn = {
    transport,
    writeBuffer: [],
    onClose: () => {},
    sendPacket: () => {},
  } as unknown as EngineSocket;
  const socket = {
    acks: new Map(),
    ack: () => {},
    _onclose: () => {},
    client: { conn, decoder, sockets: new Map() },
  };
  rememberClient(socket as unknown as SioSocket);
  return { conn, decoder, transport };
}

test("a session does not move between the parts of a binary packet", () => {
  const { conn, decoder } = session();
  expect(atMessageBoundary(conn)).toBe(true);
  decoder.reconstructor = {};
  expect(atMessageBoundary(conn)).toBe(false);
  decoder.reconstructor = null;
  expect(atMessageBoundary(conn)).toBe(true);
});

test("nor while a request brings something", () => {
  const { conn, transport } = session();
  transport.dataReq = {};
  expect(atMessageBoundary(conn)).toBe(false);
});
