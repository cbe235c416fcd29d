import { expect, test } from "vitest";
import { connectedClients, hears } from "../../../helpers/clients";
import { Cluster } from "../../../helpers/cluster";

/** The last step of Socket.IO's tutorial: no stickiness, each worker on a port of its own, only the adapter. */
const PRIMARY = `
const cluster = require("node:cluster");
const { setupPrimary } = require("pm2-socket.io/cluster-adapter");
const { code } = JSON.parse(process.env.OPTIONS);
cluster.setupPrimary({ exec: __filename });
for (let i = 0; i < 2; i++) process.send({ forked: cluster.fork({ CODE: code }).process.pid });
cluster.on("message", ({ process: { pid } }, message) => {
  if (message.port) process.send({ from: pid, message });
});
process.on("disconnect", () => process.exit());
setupPrimary();
`;
const WORKER = `
const { createServer } = require("node:http");
const { Server } = require("socket.io");
const { createAdapter } = require("pm2-socket.io/cluster-adapter");
const server = createServer();
const io = new Server(server, { connectionStateRecovery: {}, adapter: createAdapter() });
io.on("connection", (socket) => {
  socket.on("chat message", (message) => io.emit("chat message", message));
});
server.listen({ port: 0, exclusive: true }, () => process.send({ port: server.address().port }));
`;

test("clients on workers with ports of their own hear each other", async () => {
  const cluster = new Cluster(WORKER, { primary: PRIMARY });
  await cluster.until(() => cluster.messages.length === 2, "both ports");
  const ports = cluster.messages.map(({ message }) => (message as { port: number }).port);
  const clients = (await Promise.all(ports.map((port) => connectedClients(port, 1)))).flat();
  const heard = clients.map((client) => hears(client, "chat message"));
  clients[0]!.emit("chat message", "hello");
  // With recovery on, the packet's offset follows.
  expect((await Promise.all(heard)).map(([message]) => message)).toEqual(["hello", "hello"]);
  expect(cluster.output).toBe("");
});
