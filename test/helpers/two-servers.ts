import type { Socket } from "socket.io-client";
import { connectedClients, hears } from "./clients";
import { type Cluster, type ClusterOptions, startCluster } from "./cluster";
import { run } from "./relay";

/**
 * A worker with a Socket.IO server at "/a" and another one at "/b", on one HTTP server. A client can run code in it, with
 * its own `io` and `socket` in scope, and `servers` by path.
 */
export function twoServersCode(optionsOfA = "{}", optionsOfB = "{}"): string {
  return `
const { createServer } = require("node:http");
const { Server } = require("socket.io");
const { setupWorker } = require("pm2-socket.io/sticky");
const { createAdapter } = require("pm2-socket.io/cluster-adapter");

const httpServer = createServer((req, res) => res.end("plain"));
const servers = {};
for (const [path, options] of Object.entries({ "/a": ${optionsOfA}, "/b": ${optionsOfB} })) {
  const io = new Server(httpServer, { ...options, path });
  servers[path] = io;
  io.adapter(createAdapter());
  io.of("/chat");
  io.use((socket, next) => { socket.data.path = path; next(); });
  io.on("whose", (answer) => answer(path));
  io.on("note", (value) => io.local.emit("noted", value));
  io.on("connection", (socket) => {
    socket.on("who", (answer) => answer(process.pid));
    socket.on("run", async (code, answer) => {
      try {
        answer({ value: await eval(code) });
      } catch (error) {
        answer({ error: error.message });
      }
    });
  });
  setupWorker(io);
}
`;
}

/** Two workers; of each server a client on the first of them, and one on the second. */
export async function twoServers(
  options: ClusterOptions = {},
  code = twoServersCode(),
): Promise<{ cluster: Cluster; a: [Socket, Socket]; b: [Socket, Socket] }> {
  const cluster = await startCluster(code, { method: "round-robin", ...options });
  const ofPath = async (path: string) => {
    const made: Socket[] = [];
    for (let i = 0; i < 2; i++)
      made.push(...(await connectedClients(cluster.port, 1, { path, reconnection: false })));
    return made as [Socket, Socket];
  };
  return { cluster, a: await ofPath("/a"), b: await ofPath("/b") };
}

/** Everything is heard that was sent before by the workers of these clients to clients of their servers. */
export async function allHeard(senders: Socket[], hearers: Socket[]): Promise<void> {
  for (const sender of senders) {
    const name = `heard ${Math.random()}`;
    const all = hearers.filter(({ io }) => io.opts.path === sender.io.opts.path);
    const heard = all.map((client) => hears(client, name));
    await run(sender, `io.emit(${JSON.stringify(name)}); 0`);
    await Promise.all(heard);
  }
}

/** What each of the clients hears as "event" from now on. */
export function listening(clients: Socket[]): unknown[][] {
  return clients.map((client) => {
    const got: unknown[] = [];
    client.on("event", (value) => void got.push(value));
    return got;
  });
}
