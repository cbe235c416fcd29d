import { Agent, get, type IncomingHttpHeaders } from "node:http";
import { connect, type NetConnectOpts } from "node:net";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { expect, onTestFinished } from "vitest";

/** A Socket.IO client of its own connection; it is closed with the test. */
export function client(url: string | number, options: Partial<ManagerOptions & SocketOptions> = {}): Socket {
  const socket = io(typeof url === "number" ? `http://localhost:${url}` : url, {
    forceNew: true,
    ...options,
  });
  onTestFinished(() => {
    socket.close();
  });
  return socket;
}

/** What the workers of {@link isServedAsCluster} do with a client. Expects a variable `io`. */
export const CHAT = `
io.on("connection", (socket) => {
  socket.on("who", (answer) => answer(process.pid));
  socket.on("all", (text) => io.emit("text", text));
});
`;

/**
 * The promise that most tests of this folder end in: clients over every transport live on all of the app's workers, and
 * hear each other. The workers run {@link CHAT}. Returns the workers' pids.
 */
export async function isServedAsCluster(url: string | number, workers = 2): Promise<Set<number>> {
  const transports = [["polling"], ["websocket"], ["polling", "websocket"], ["polling"]];
  const clients = transports.map((each) => client(url, { transports: each }));
  const pids = new Set<number>();
  for (const each of clients) pids.add(await each.timeout(10_000).emitWithAck("who"));
  expect(pids.size).toBe(workers);
  const heard = clients.map((each) => new Promise((resolve) => each.once("text", resolve)));
  clients[0]!.emit("all", "hello");
  expect(await Promise.all(heard)).toEqual(clients.map(() => "hello"));
  for (const each of clients) each.close();
  return pids;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A plain GET on a connection of its own. Rejects if nobody answers. */
export function fetchPlain(port: number, path = "/", host = "localhost"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    get({ host, port, path, agent }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    }).on("error", reject);
  });
}

/** Sends bytes on a connection of its own; resolves, when the other side has closed it, with all that came back. */
export function talk(address: NetConnectOpts, bytes: string | Buffer = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(address, () => socket.write(bytes));
    onTestFinished(() => {
      socket.destroy();
    });
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("end", () => socket.end());
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

/** Whether nobody listens there. */
export function refuses(port: number): Promise<boolean> {
  return talk({ port, host: "localhost" }, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").then(
    () => false,
    (error) => error.code === "ECONNREFUSED",
  );
}
