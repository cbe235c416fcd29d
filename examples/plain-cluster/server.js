/**
 * A cluster without PM2: Node's own `cluster` forks the workers, and this package gives each request to the worker of its
 * session and carries packets between the workers.
 *
 *     npm install pm2-socket.io socket.io
 *     node server.js      then      curl http://localhost:3000
 */
const cluster = require("node:cluster");
const { createServer } = require("node:http");
const { createAdapter, setupPrimary: setupRelay } = require("pm2-socket.io/cluster-adapter");
const { setupPrimary, setupWorker } = require("pm2-socket.io/sticky");
const { Server } = require("socket.io");

if (cluster.isPrimary) {
  const httpServer = createServer();
  setupPrimary(httpServer, { loadBalancingMethod: "least-connection" });
  setupRelay();
  httpServer.listen(process.env.PORT ?? 3000);

  for (let i = 0; i < 2; i++) cluster.fork();
  cluster.on("exit", () => cluster.fork());
} else {
  const httpServer = createServer((_req, res) => res.end(`Hello from process ${process.pid}\n`));
  const io = new Server(httpServer);
  io.adapter(createAdapter());
  setupWorker(io);

  io.on("connection", (socket) => {
    socket.on("say", (text) => io.emit("said", text, process.pid));
  });
}
