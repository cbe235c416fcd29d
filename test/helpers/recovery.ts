import type { Socket } from "socket.io-client";
import type { AppStatus } from "../../src/primary/status";
import { connected, connectedClients, hears } from "./clients";
import { type Cluster, type ClusterOptions, LINKS, startCluster } from "./cluster";
import { until } from "./daemon";
import { run, SCRIPTED } from "./relay";

/** The ways of a link, and of a client. */
export const WAYS = LINKS.flatMap((link) =>
  ["websocket", "polling"].map((transport) => ({ link, transport })),
);

/** A worker of {@link SCRIPTED} whose server restores sessions; `more` are further options of the server. */
export function recoverable(recovery: object = {}, more = ""): string {
  const options = `{ connectionStateRecovery: ${JSON.stringify(recovery)}, ${more}`;
  return SCRIPTED.replace("new Server(httpServer, {", `new Server(httpServer, ${options}`);
}

/**
 * A cluster in which sessions take turns, so that of two workers a client that comes back finds the other one. The
 * sender is on the first, the leaver on the second; neither comes back by itself.
 */
export async function senderAndLeaver(
  options: ClusterOptions & { code?: string; transport?: string; client?: object } = {},
): Promise<{ cluster: Cluster; sender: Socket; leaver: Socket }> {
  const { code = recoverable(), transport = "websocket", client = {}, ...rest } = options;
  const cluster = await startCluster(code, { method: "round-robin", ...rest });
  const how = { transports: [transport], reconnection: false, ...client };
  const [sender] = (await connectedClients(cluster.port, 1, how)) as [Socket];
  const [leaver] = (await connectedClients(cluster.port, 1, how)) as [Socket];
  return { cluster, sender, leaver };
}

/** What the primary keeps; for a cluster with the primary of `askedPrimary`. */
export function kept(cluster: Cluster): Promise<AppStatus["recovery"]> {
  return cluster.ask("statusOf(app).recovery");
}

/** Waits until the primary keeps that many sessions, packets, ... */
export async function untilKept(cluster: Cluster, what: Partial<AppStatus["recovery"]>): Promise<void> {
  const isSo = async () => {
    const now = await kept(cluster);
    return Object.entries(what).every(([key, value]) => now[key as keyof typeof now] === value) || undefined;
  };
  await until(isSo, `the primary to keep ${JSON.stringify(what)}`);
}

/** A client's connection breaks. */
export async function breaks(client: Socket): Promise<void> {
  const gone = hears(client, "disconnect");
  client.io.engine.close();
  await gone;
}

/** It is back; returns whether its session was restored. */
export async function comesBack(client: Socket): Promise<boolean> {
  const back = connected(client);
  client.connect();
  await back;
  return client.recovered === true;
}

/** The worker of a client. */
export function workerOf(client: Socket): Promise<number> {
  return client.timeout(8000).emitWithAck("who");
}

/** The values that a client hears as "n", in order; bytes as the list of them. */
export function heardBy(client: Socket): unknown[] {
  const got: unknown[] = [];
  client.on("n", (value: unknown) => {
    got.push(value instanceof Uint8Array ? [...value] : value);
  });
  return got;
}

/** Everything that was sent before, by whatever worker, has been heard by this client. */
export async function caughtUp(client: Socket): Promise<void> {
  const heard = hears(client, "all heard");
  await run(client, `io.emit("all heard"); 0`);
  await heard;
}
