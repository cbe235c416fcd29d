/**
 * An Express server with Socket.IO, written as a single process: it knows nothing of a cluster, and is not changed for
 * one. `sticky: true` in the ecosystem file beside it makes it one; the daemon opens the port it listens on.
 *
 *     npm install express socket.io
 *     pm2 start ecosystem.config.js      then      curl http://localhost:3000
 */
const { createServer } = require("node:http");
const express = require("express");
const { Server } = require("socket.io");

const app = express();
const server = createServer(app);
const io = new Server(server);

app.get("/", (_req, res) => {
  res.send(`Hello from process ${process.pid}\n`);
});

io.on("connection", (socket) => {
  socket.on("say", (text) => io.emit("said", text, process.pid));
});

server.listen(process.env.PORT ?? 3000, () => {
  console.log("listening on", server.address().port);
});
