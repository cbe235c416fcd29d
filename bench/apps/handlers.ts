import type { Server } from "socket.io";

/** What every contender serves; the load generators speak to it. */
export function serve(io: Server): void {
  // Who answers a handshake: to see that all workers are there.
  io.engine.on("initial_headers", (headers) => {
    headers["x-pid"] = String(process.pid);
  });
  io.on("connection", (socket) => {
    socket.on("echo", (value) => socket.emit("echo", value));
    socket.on("broadcast", (size) => socket.broadcast.emit("packet", payload(size)));
  });
}

const payloads = new Map<number, string>();

function payload(size: number): string {
  const text = payloads.get(size) ?? "x".repeat(size);
  payloads.set(size, text);
  return text;
}
