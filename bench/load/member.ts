import { ROOMS, type Tally } from "./crowd-report";
import { type Client, open } from "./websocket";

/** As `socket.io-client` does it by default: after a second, more or less. */
const RECONNECT_MS = 1000;
const ANSWER = /^43(\d+)\[(\d+)/;
const NEWS = /^42\["news",(\d+)/;

/**
 * One client of a crowd. Its server counts what it asks, so that an answer is right only if no question before was lost
 * or counted twice. It comes back when it loses its connection.
 */
export class Member {
  private client: Client | undefined;
  /** On this connection. */
  private asked = 0;
  private awaitsAnswer = false;
  /** Since when it is without an answer, whether it could ask or not. */
  private waitingSince: number | undefined;
  private heardAt = 0;
  private lastNews = -1;
  private longestSilence = 0;
  private longestWait = 0;

  constructor(
    private readonly port: number,
    private readonly number: number,
    private readonly tally: Tally,
  ) {}

  async connect(): Promise<void> {
    const wishes = { query: `&room=${this.number % ROOMS}`, onClose: () => this.lost() };
    this.client = await open(this.port, (packet) => this.receive(packet), wishes);
    this.asked = 0;
    this.endSilence();
  }

  /** One question at a time; without a connection it waits for its next turn. */
  ask(): void {
    if (this.awaitsAnswer) return;
    this.waitingSince ??= performance.now();
    if (!this.client) return;
    this.awaitsAnswer = true;
    this.client.send(`42${++this.asked}["ask"]`);
  }

  /** What it sees counts from now on. */
  begin(): void {
    this.heardAt = performance.now();
    if (this.waitingSince !== undefined) this.waitingSince = this.heardAt;
    this.longestSilence = 0;
    this.longestWait = 0;
  }

  /** The longest times so far, those that have not ended included. */
  longest(): { silenceMs: number; waitMs: number } {
    const now = performance.now();
    return {
      silenceMs: Math.max(this.longestSilence, now - this.heardAt),
      waitMs: Math.max(this.longestWait, now - (this.waitingSince ?? now)),
    };
  }

  /** No answer is expected any more. */
  end(): void {
    if (this.awaitsAnswer) this.tally.unanswered++;
  }

  private receive(packet: string): void {
    if (packet === "1" || packet.startsWith("41")) {
      this.client?.close();
      return;
    }
    this.endSilence();
    const answer = ANSWER.exec(packet);
    const news = NEWS.exec(packet);
    if (answer) this.endWait(Number(answer[1]), Number(answer[2]));
    else if (news) this.hear(Number(news[1]));
  }

  private endWait(question: number, count: number): void {
    if (question !== this.asked || count !== this.asked) this.tally.unanswered++;
    this.longestWait = this.longest().waitMs;
    this.waitingSince = undefined;
    this.awaitsAnswer = false;
  }

  private hear(news: number): void {
    if (news <= this.lastNews) {
      this.tally.disordered++;
      return;
    }
    this.lastNews = news;
    this.tally.heard[news] = (this.tally.heard[news] ?? 0) + 1;
  }

  private endSilence(): void {
    this.longestSilence = this.longest().silenceMs;
    this.heardAt = performance.now();
  }

  private lost(): void {
    this.client = undefined;
    this.tally.disconnects++;
    if (this.awaitsAnswer) this.tally.unanswered++;
    this.awaitsAnswer = false;
    this.comeBack();
  }

  private comeBack(): void {
    setTimeout(() => this.connect().catch(() => this.comeBack()), RECONNECT_MS * (0.5 + Math.random()));
  }
}
