import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { listening } from "./sockets";

export interface CuttingProxy {
  port: number;
  /** Cuts the network: the clients notice at once, the server hears nothing more, not even an end. */
  cut(): void;
  /** Ends all connections: both sides notice at once. */
  end(): void;
}

export async function cuttingProxy(port: number): Promise<CuttingProxy> {
  const pairs = new Map<Socket, Socket>();
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    pairs.set(client, upstream);
    for (const socket of [client, upstream]) {
      open.add(socket.on("error", () => {}));
      socket.on("close", () => open.delete(socket));
    }
    client.pipe(upstream).pipe(client);
    upstream.on("close", () => client.destroy());
    client.on("close", () => {
      if (pairs.delete(client)) upstream.destroy();
    });
  });
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
  });
  return {
    port: await listening(server),
    cut() {
      for (const [client, upstream] of [...pairs]) {
        pairs.delete(client);
        client.unpipe(upstream);
        upstream.unpipe(client).pause();
        client.destroy();
      }
    },
    end() {
      for (const client of pairs.keys()) client.destroy();
    },
  };
}
