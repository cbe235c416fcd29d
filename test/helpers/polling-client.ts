import { type Agent, request } from "node:http";

export interface Answer {
  status: number;
  body: string;
}

/** One request; `agent` decides over which connection, and from which address. */
export function ask(agent: Agent, port: number, path: string, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? "GET" : "POST";
    const req = request({ host: "127.0.0.1", port, path, agent, method }, (res) => {
      let text = "";
      res.setEncoding("utf8");
      res.on("data", (chunk) => {
        text += chunk;
      });
      res.on("end", () => resolve({ status: res.statusCode ?? 0, body: text }));
      res.on("error", reject);
    });
    req.on("error", reject);
    req.end(body);
  });
}

/**
 * A Socket.IO client that polls by hand, so that a test decides which request goes over which connection. One request at
 * a time: what it asks for is there when it polls.
 */
export class PollingClient {
  private constructor(
    private agent: Agent,
    private readonly port: number,
    private readonly path: string,
  ) {}

  static async connect(agent: Agent, port: number): Promise<PollingClient> {
    const path = "/socket.io/?EIO=4&transport=polling";
    const { status, body } = await ask(agent, port, path);
    if (status !== 200) throw new Error(`handshake: ${status} ${body}`);
    const { sid } = JSON.parse(body.slice(1));
    const client = new PollingClient(agent, port, `${path}&sid=${sid}`);
    await client.send("40");
    await client.receive("40");
    return client;
  }

  /** From now on over the connections of that agent. */
  moveTo(agent: Agent): void {
    this.agent = agent;
  }

  /** Emits an event; resolves with the server's acknowledgement. */
  async emitWithAck(event: string): Promise<unknown> {
    await this.send(`421${JSON.stringify([event])}`);
    return JSON.parse((await this.receive("431")).slice(3))[0];
  }

  /** The packets of one poll. */
  async poll(): Promise<string[]> {
    const { status, body } = await ask(this.agent, this.port, this.path);
    if (status !== 200) throw new Error(`GET: ${status} ${body}`);
    return body.split("\x1e");
  }

  private async send(packet: string): Promise<void> {
    const { status, body } = await ask(this.agent, this.port, this.path, packet);
    if (status !== 200) throw new Error(`POST: ${status} ${body}`);
  }

  /** Polls until there is a packet of that kind. */
  private async receive(kind: string): Promise<string> {
    for (;;) {
      const packets = await this.poll();
      const found = packets.find((packet) => packet.startsWith(kind));
      if (found !== undefined) return found;
      if (packets.includes("2")) await this.send("3"); // a heartbeat
    }
  }
}
