import { type Client, open } from "./websocket";

/** A client that asks its server for something and waits until it is done. */
export class Asker {
  private readonly questions = new Map<number, (answer: unknown) => void>();
  private asked = 0;
  private client: Client | undefined;

  /** @param onPacket called with each packet that is no answer */
  static async open(port: number, onPacket: (packet: string) => void = () => {}): Promise<Asker> {
    const asker = new Asker();
    const receive = (packet: string) => asker.answer(packet) || onPacket(packet);
    asker.client = await open(port, receive, { onClose: () => process.exit(1) });
    return asker;
  }

  get worker(): string | undefined {
    return this.client?.worker;
  }

  tell(event: string): void {
    this.client!.send(`42${JSON.stringify([event])}`);
  }

  ask<T>(event: string, ...args: unknown[]): Promise<T> {
    this.client!.send(`42${++this.asked}${JSON.stringify([event, ...args])}`);
    return new Promise((resolve) => this.questions.set(this.asked, resolve as (answer: unknown) => void));
  }

  private answer(packet: string): boolean {
    const [, question, answer] = /^43(\d+)(.*)/.exec(packet) ?? [];
    if (question === undefined) return false;
    this.questions.get(Number(question))?.(JSON.parse(answer!)[0]);
    this.questions.delete(Number(question));
    return true;
  }
}
