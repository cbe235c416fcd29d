import type { Server, Socket } from "socket.io";
import { serveSessions } from "./sessions";

/** What every contender serves; the load generators speak to it. */
export function serve(io: Server): void {
  // Who answers a handshake: to see that all workers are there.
  io.engine.on("initial_headers", (headers) => {
    headers["x-pid"] = String(process.pid);
  });
  io.on("connection", (socket) => {
    socket.on("echo", (value) => socket.emit("echo", value));
    serveCrowd(io, socket);
    serveSessions(io, socket);
    socket.on("broadcast", (size, number, room) => {
      const others = room === undefined ? socket.broadcast : socket.to(room);
      others.emit("packet", number, payload(size));
    });
  });
}

/** Each client is in one room, counts on its server what it asks there, and hears the news of its room. */
function serveCrowd(io: Server, socket: Socket): void {
  const { room } = socket.handshake.query;
  if (room !== undefined) socket.join(room);
  socket.on("ask", (answer) => {
    socket.data.asked = (socket.data.asked ?? 0) + 1;
    answer(socket.data.asked);
  });
  socket.on("publish", (room, number, answer) => {
    io.to(room).emit("news", number);
    answer();
  });
}

const payloads = new Map<number, string>();

function payload(size: number): string {
  const text = payloads.get(size) ?? "x".repeat(size);
  payloads.set(size, text);
  return text;
}
