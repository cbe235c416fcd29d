import { connect, type Socket } from "node:net";

const TIMEOUT_MS = 10_000;

interface Waiting {
  resolve(body: string): void;
  reject(error: Error): void;
}

/**
 * HTTP with one connection, kept alive for as long as the server wants, and one request at a time. Written for little
 * cost: with Node's own client the generator would be slower than the programs it measures.
 */
export class HttpConnection {
  private socket: Socket | undefined;
  private received = "";
  private waiting: Waiting | undefined;

  constructor(private readonly port: number) {}

  get(path: string): Promise<string> {
    return this.request(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  }

  post(path: string, body: string): Promise<string> {
    const type = "Content-Type: text/plain;charset=UTF-8";
    return this.request(
      `POST ${path} HTTP/1.1\r\nHost: bench\r\n${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  /** Resolves to the body of a `200`; everything else is an error. */
  private request(bytes: string): Promise<string> {
    this.socket ??= this.open();
    this.socket.write(bytes, "latin1");
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
  }

  private open(): Socket {
    const socket = connect(this.port, "127.0.0.1");
    const fail = (error: Error) => {
      if (socket !== this.socket) return;
      this.close();
      this.settle()?.reject(error);
    };
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.setTimeout(TIMEOUT_MS, () => fail(new Error("timeout")));
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("closed")));
    socket.on("data", (chunk: unknown) => this.read(chunk as string));
    return socket;
  }

  private read(chunk: string): void {
    this.received += chunk;
    const bodyAt = this.received.indexOf("\r\n\r\n") + 4;
    if (bodyAt < 4) return;
    const head = this.received.slice(0, bodyAt).toLowerCase();
    const lengthAt = head.indexOf("content-length: ");
    const length = lengthAt === -1 ? 0 : Number.parseInt(head.slice(lengthAt + 16, lengthAt + 26), 10);
    if (this.received.length < bodyAt + length) return;
    const body = this.received.slice(bodyAt, bodyAt + length);
    if (head.includes("connection: close")) this.close();
    const waiting = this.settle();
    if (head.startsWith("http/1.1 200")) waiting?.resolve(body);
    else waiting?.reject(new Error(head.slice(0, head.indexOf("\r"))));
  }

  private settle(): Waiting | undefined {
    const { waiting } = this;
    this.waiting = undefined;
    this.received = "";
    return waiting;
  }
}
