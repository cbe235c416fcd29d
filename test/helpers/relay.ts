import type { Socket } from "socket.io-client";
import { connectedClients, hears } from "./clients";
import { type Cluster, type ClusterOptions, startCluster, WORKER } from "./cluster";

/** A worker in which a client can run code, with `io` and its own `socket` in scope. */
export const SCRIPTED = `${WORKER}
io.use((socket, next) => { socket.data.pid = process.pid; next(); });
io.of("/other").use((socket, next) => { socket.data.pid = process.pid; next(); });
io.on("connection", (socket) => {
  socket.on("run", async (code, answer) => {
    try {
      answer({ value: await eval(code) });
    } catch (error) {
      answer({ error: error.message, responses: error.responses });
    }
  });
});
io.on("add", (a, b, answer) => answer(a + b));
io.on("note", (value) => io.local.emit("noted", value));
`;

/** Runs code in a client's worker; returns what it gives. */
export async function run(client: Socket, code: string): Promise<unknown> {
  const { value, error } = await client.timeout(8000).emitWithAck("run", code);
  if (error !== undefined) throw new Error(error);
  return value;
}

/** Three workers with one client each. */
export async function threeWorkers(
  options: ClusterOptions = {},
  code = SCRIPTED,
): Promise<{ cluster: Cluster; clients: Socket[] }> {
  const cluster = await startCluster(code, { workers: 3, ...options });
  const clients: Socket[] = [];
  for (let i = 0; i < 3; i++) clients.push(...(await connectedClients(cluster.port, 1)));
  return { cluster, clients };
}

/**
 * Which of the clients hear `event` when `code` runs in the first one's worker, and with what. That the others do not is
 * known when they hear what was sent after it.
 */
export async function heard(clients: Socket[], code: string, event = "event"): Promise<unknown[]> {
  const got: unknown[] = clients.map(() => undefined);
  clients.forEach((client, i) => {
    client.once(event, (value) => {
      got[i] = value;
    });
  });
  const after = clients.map((client) => hears(client, "after"));
  await run(clients[0]!, `${code}; io.emit("after"); 0`);
  await Promise.all(after);
  return got;
}
