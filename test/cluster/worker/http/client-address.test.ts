import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { connectedClients } from "../../../helpers/clients";
import { startCluster, WORKER } from "../../../helpers/cluster";
import { PollingSession, RawClient } from "../../../helpers/raw-client";

/** Every response tells the address its request came from; `address` tells the handshake's. */
const CODE = `${WORKER}
io.engine.on("headers", (headers, { socket }) => {
  headers["x-client"] = [socket.remoteAddress, socket.remotePort, socket.remoteFamily].join(" ");
});
io.on("connection", (socket) => {
  socket.on("address", (answer) => answer([socket.handshake.address, socket.conn.remoteAddress]));
});`;

test.each([
  { host: "127.0.0.1", localAddress: "127.0.0.2", family: "IPv4", listen: "0.0.0.0" },
  { host: "::1", localAddress: "::1", family: "IPv6", listen: "::" },
])("a request keeps its client's address, also when it is forwarded ($family)", async (client) => {
  const { host, localAddress, family, listen } = client;
  const { port } = await startCluster(CODE, { host: listen });
  const direct = new RawClient({ port, host, localAddress });
  const session = await PollingSession.open(direct);
  const addressOf = ({ socket }: RawClient) =>
    `${localAddress} ${(socket.address() as AddressInfo).port} ${family}`;

  const { answer, responses } = await session.emit(direct, "address");
  expect(answer).toEqual([localAddress, localAddress]);
  for (const { headers } of responses) expect(headers["x-client"]).toBe(addressOf(direct));

  const misrouted = new RawClient({ port, host, localAddress });
  expect((await PollingSession.open(misrouted)).pid).not.toBe(session.pid);
  const forwarded = await session.emit(misrouted, "address");
  for (const { headers } of forwarded.responses) expect(headers["x-client"]).toBe(addressOf(misrouted));
  expect(forwarded.responses[0]!.headers).not.toHaveProperty("pm2-socket.io-client");
});

test("a session that moved to WebSocket keeps its client's address", async () => {
  const { port } = await startCluster(CODE, { host: "0.0.0.0" });
  const [client] = await connectedClients(port, 1, { localAddress: "127.0.0.2" } as object);
  expect(await client!.timeout(5000).emitWithAck("address")).toEqual(["127.0.0.2", "127.0.0.2"]);
});
