import { connect, type NetConnectOpts, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface RawResponse {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  text: string;
}

/** An HTTP/1.1 client that shows every byte: one connection, responses in the order in which they come. */
export class RawClient {
  readonly socket: Socket;
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
  private chunks: Buffer[] = [];
  private ended = false;
  private wake = () => {};

  constructor(options: NetConnectOpts) {
    this.socket = connect({ allowHalfOpen: true, noDelay: true, ...options });
    this.socket.on("data", (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.wake();
    });
    const end = () => {
      this.ended = true;
      this.wake();
    };
    this.socket.on("error", end);
    this.closed = new Promise((resolve) => {
      this.socket.on("end", resolve);
      this.socket.on("close", resolve);
    });
    void this.closed.then(end);
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Sends a request; the body, if any, with its length. */
  send(method: string, target: string, body?: string | Buffer, headers: string[] = []): void {
    const lines = [`${method} ${target} HTTP/1.1`, "Host: localhost", ...headers];
    if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
    this.write(`${lines.join("\r\n")}\r\n\r\n`);
    if (body !== undefined) this.write(body);
  }

  /** Sends a request and waits for its response. */
  request(method: string, target: string, body?: string | Buffer): Promise<RawResponse> {
    this.send(method, target, body);
    return this.response();
  }

  /** The next response. Fails if the connection ends before it is complete. */
  async response(): Promise<RawResponse> {
    const head = (await this.take(await this.find("\r\n\r\n"))).toString("latin1");
    const [first, ...lines] = head.trimEnd().split("\r\n");
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const status = Number(first!.split(" ")[1]);
    const body =
      headers["transfer-encoding"] === "chunked"
        ? await this.chunkedBody()
        : await this.take(Number(headers["content-length"] ?? 0));
    return { status, headers, body, text: body.toString() };
  }

  /** Takes so many bytes of what came. */
  async take(length: number): Promise<Buffer> {
    await this.wait(() => this.chunks.reduce((sum, chunk) => sum + chunk.length, 0) >= length);
    const received = Buffer.concat(this.chunks);
    this.chunks = [received.subarray(length)];
    return received.subarray(0, length);
  }

  /** From now on the client takes a break after everything it reads. */
  readSlowly(): void {
    this.socket.on("data", () => {
      this.socket.pause();
      setTimeout(() => this.socket.resume(), 1);
    });
  }

  private async chunkedBody(): Promise<Buffer> {
    const body: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt((await this.take(await this.find("\r\n"))).toString(), 16);
      const chunk = await this.take(size + 2);
      if (size === 0) return Buffer.concat(body);
      body.push(chunk.subarray(0, size));
    }
  }

  /** The length of what came up to the end of `text`. */
  private async find(text: string): Promise<number> {
    let at = -1;
    await this.wait(() => {
      this.chunks = [Buffer.concat(this.chunks)];
      at = this.chunks[0]!.indexOf(text);
      return at !== -1;
    });
    return at + text.length;
  }

  private async wait(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.ended) throw new Error(`the connection ended after "${Buffer.concat(this.chunks)}"`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

/** A Socket.IO session over HTTP long-polling, by hand. Its requests may go over any connection. */
export class PollingSession {
  private acks = 0;

  private constructor(
    readonly target: string,
    /** The pid of the worker that made the session. */
    readonly pid: number,
  ) {}

  static async open(client: RawClient): Promise<PollingSession> {
    const base = "/socket.io/?EIO=4&transport=polling";
    const handshake = await client.request("GET", base);
    const session = new PollingSession(
      `${base}&sid=${JSON.parse(handshake.text.slice(1)).sid}`,
      Number(handshake.headers["x-pid"]),
    );
    await session.post(client, "40");
    await session.poll(client);
    return session;
  }

  post(client: RawClient, packet: string | Buffer): Promise<RawResponse> {
    return client.request("POST", this.target, packet);
  }

  poll(client: RawClient): Promise<RawResponse> {
    return client.request("GET", this.target);
  }

  /** Emits an event and polls until its acknowledgement is there; returns both responses and the answer. */
  async emit(client: RawClient, event: string, ...args: unknown[]) {
    const id = this.acks++;
    const responses = [await this.post(client, `42${id}${JSON.stringify([event, ...args])}`)];
    for (;;) {
      const response = await this.poll(client);
      responses.push(response);
      const prefix = `43${id}`;
      const packet = response.text.split("\x1e").find((each) => each.startsWith(prefix));
      if (packet !== undefined) return { responses, answer: JSON.parse(packet.slice(prefix.length))[0] };
      if (response.status !== 200)
        throw new Error(`polling was answered ${response.status} ${response.text}`);
    }
  }
}
