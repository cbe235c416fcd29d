import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { listening } from "./sockets";

/** A network between clients and a server of this machine, which a test can cut. It ends with the test. */
export class Wire {
  private readonly pairs = new Map<Socket, Socket>();
  private isCut = false;

  private constructor(readonly port: number) {}

  static async to(serverPort: number): Promise<Wire> {
    let wire: Wire | undefined;
    const server = createServer((client) => wire?.join(client, serverPort));
    wire = new Wire(await listening(server));
    onTestFinished(() => wire.cut("noticed"));
    return wire;
  }

  /** From now on what the server writes is lost on the way, on the connections that are open. */
  loseAnswers(): void {
    for (const [client, server] of this.pairs) {
      server.unpipe(client);
      server.resume();
    }
  }

  /**
   * Nothing comes through any more, and nobody new gets in. The clients notice at once; the server only if it is
   * `"noticed"`: otherwise its connections stay open, and what it writes is lost on the way.
   */
  cut(byServer: "noticed" | "unnoticed"): void {
    this.isCut = true;
    this.loseAnswers();
    for (const [client, server] of this.pairs) {
      client.unpipe(server);
      client.destroy();
      if (byServer === "noticed") server.destroy();
    }
  }

  restore(): void {
    this.isCut = false;
  }

  private join(client: Socket, serverPort: number): void {
    if (this.isCut) {
      client.destroy();
      return;
    }
    const server = connect(serverPort, "127.0.0.1");
    this.pairs.set(client, server);
    client.pipe(server).pipe(client);
    client.on("error", () => server.destroy());
    server.on("error", () => client.destroy());
    server.on("close", () => this.pairs.delete(client));
  }
}
