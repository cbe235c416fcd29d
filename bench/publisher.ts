import { ROOMS } from "./load/crowd-report";
import { type Client, open } from "./load/websocket";
import { pause } from "./until";

const RECONNECT_MS = 200;
const REST_MS = 500;

/** A client that makes its worker spread numbered news at an even pace, and remembers which were acknowledged. */
export class Publisher {
  private readonly acknowledged = new Set<number>();
  private client: Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  private constructor(private readonly port: number) {}

  static async open(port: number): Promise<Publisher> {
    const publisher = new Publisher(port);
    await publisher.connect();
    return publisher;
  }

  start(intervalMs: number): void {
    let number = 0;
    this.timer = setInterval(() => {
      this.client?.send(`42${number}["publish","${number % ROOMS}",${number}]`);
      number++;
    }, intervalMs);
  }

  /** Returns the numbers of the news that the cluster has taken. */
  async stop(): Promise<ReadonlySet<number>> {
    clearInterval(this.timer);
    await pause(REST_MS);
    this.stopped = true;
    this.client?.close();
    return this.acknowledged;
  }

  private async connect(): Promise<void> {
    const wishes = { onClose: () => this.comeBack() };
    this.client = await open(this.port, (packet) => this.receive(packet), wishes);
  }

  private receive(packet: string): void {
    const answer = /^43(\d+)/.exec(packet);
    if (answer) this.acknowledged.add(Number(answer[1]));
  }

  private comeBack(): void {
    this.client = undefined;
    if (this.stopped) return;
    setTimeout(() => this.connect().catch(() => this.comeBack()), RECONNECT_MS);
  }
}
