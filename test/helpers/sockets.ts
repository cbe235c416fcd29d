import { connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** Both ends of a real connection. They end with the test. */
export async function socketPair(): Promise<{ client: Socket; accepted: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  const port = await listening(server);
  const connection = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const accepted = await connection;
  server.close();
  client.on("error", () => {});
  onTestFinished(() => {
    client.destroy();
    accepted.destroy();
  });
  return { client, accepted };
}

/** Listens on a free port. The server ends with the test. */
export async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as { port: number }).port;
}

/** All that comes until the other side ends. */
export async function everything(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => {
    socket.once("end", resolve);
    socket.once("close", resolve);
  });
  return Buffer.concat(chunks).toString();
}
