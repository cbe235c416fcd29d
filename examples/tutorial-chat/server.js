/**
 * The chat that Socket.IO's tutorial builds: everybody reads every message once, whatever the network does meanwhile, and
 * what was said is there for who comes later. It is written as a single process; `sticky: true` in the ecosystem file
 * beside it makes it a cluster.
 *
 *     npm install express socket.io libsql
 *     pm2 start ecosystem.config.js      then open http://localhost:3000
 */
const { join } = require("node:path");
const express = require("express");
const { Server } = require("socket.io");
const messages = require("./messages");

const app = express();
app.use(express.static(join(__dirname, "public")));

const io = new Server(app.listen(process.env.PORT ?? 3000), { connectionStateRecovery: {} });

io.on("connection", (socket) => {
  // A recovered session is sent what it missed from the daemon's memory, on whichever worker it is now.
  if (!socket.recovered) {
    const since = Number(socket.handshake.auth.since) || 0;
    for (const { id, text } of messages.after(since)) socket.emit("said", id, text);
  }

  socket.on("say", (text, key, stored) => {
    if (typeof text !== "string" || typeof key !== "string" || typeof stored !== "function") return;
    const said = text.slice(0, 500);
    try {
      // Told also if it was stored before: perhaps the worker that stored it did not live to tell.
      io.emit("said", messages.add(key, said), said);
      stored();
    } catch (error) {
      // Without an answer the page says it again.
      console.error("a message could not be stored:", error);
    }
  });
});
