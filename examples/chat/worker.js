/**
 * A chat as a worker of a cluster. It is written as for `@socket.io/sticky` and `@socket.io/cluster-adapter`: import those
 * instead, and nothing else changes. There is no `listen`: the daemon owns the port.
 */
const { createReadStream } = require("node:fs");
const { createServer } = require("node:http");
const { join } = require("node:path");
const { createAdapter } = require("pm2-socket.io/cluster-adapter");
const { setupWorker } = require("pm2-socket.io/sticky");
const { Server } = require("socket.io");

/** Who serves: PM2 numbers the workers of an app. */
const worker = { number: Number(process.env.NODE_APP_INSTANCE ?? 0), pid: process.pid };

const FILES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/chat.css": ["chat.css", "text/css; charset=utf-8"],
  "/chat.js": ["chat.js", "text/javascript; charset=utf-8"],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
};

const httpServer = createServer((req, res) => {
  const [name, type] = FILES[req.url.split("?")[0]] ?? [];
  if (!name) {
    res.writeHead(404).end("Not found\n");
    return;
  }
  res.writeHead(200, { "content-type": type, "cache-control": "no-cache" });
  createReadStream(join(__dirname, "public", name)).pipe(res);
});

const io = new Server(httpServer, { connectionStateRecovery: {} });
io.adapter(createAdapter());
setupWorker(io);

io.on("connection", (socket) => {
  const name = String(socket.handshake.auth.name ?? "Somebody").slice(0, 24);
  socket.data = { name, worker: worker.number };
  socket.emit("worker", worker);
  tellWhoIsThere();

  socket.on("say", (text, heard) => {
    if (typeof text !== "string" || text.trim() === "") return;
    io.emit("said", { from: socket.id, name, worker: worker.number, text: text.slice(0, 500) });
    if (typeof heard === "function") heard();
  });
  socket.on("disconnect", tellWhoIsThere);
});

let telling;

/** Tells every tab who is on which worker; once, when many come at the same time, as after a reload. */
function tellWhoIsThere() {
  clearTimeout(telling);
  telling = setTimeout(async () => {
    try {
      const sockets = await io.fetchSockets();
      io.emit(
        "there",
        sockets.map(({ id, data }) => ({ id, ...data })),
      );
    } catch {
      // A worker went away meanwhile; its tabs come back, and then it is told again.
    }
  }, 100);
}
