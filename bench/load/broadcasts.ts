import { pause } from "../until";
import type { BroadcastOptions } from "./report";
import { openSpread } from "./spread";

const PROBE_INTERVAL_MS = 100;
const NUMBER = /^42\["packet",(-?\d+),/;
const ROOM = "members";

/**
 * Clients that make their workers broadcast: to all others or, as soon as they are told so, to the only member of a room,
 * who sends nothing.
 */
export class Broadcasts {
  private send: (sender: number, number: number, size: number) => void = () => {};
  /** By number of the sender and the receiver: who is reached by whom. */
  private readonly reached = new Set<string>();
  readonly senders: number[] = [];
  /** How many clients each broadcast is for. */
  readonly receivers: number;

  constructor(
    private readonly options: BroadcastOptions,
    /** Called with the broadcast's number for each client that gets it. */
    private readonly onDelivery: (number: number) => void,
  ) {
    const { clients, toRoom } = options;
    for (let i = toRoom ? 1 : 0; i < clients; i++) this.senders.push(i);
    this.receivers = toRoom ? 1 : clients - 1;
  }

  /** Resolves when all are connected, and reached by each other: some adapters take a while. */
  async open(): Promise<void> {
    const { toRoom } = this.options;
    const spread = { ...this.options, room: toRoom ? ROOM : undefined };
    const opened = await openSpread(spread, (client, packet) => this.receive(client, packet));
    const rest = toRoom ? `,"${ROOM}"` : "";
    this.send = (sender, number, size) => opened[sender]!.send(`42["broadcast",${size},${number}${rest}]`);
    while (this.reached.size < this.senders.length * this.receivers) {
      for (const sender of this.senders) this.send(sender, -1 - sender, 1);
      await pause(PROBE_INTERVAL_MS);
    }
  }

  broadcast(sender: number, number: number): void {
    this.send(sender, number, this.options.size);
  }

  private receive(client: number, packet: string): void {
    const number = Number(NUMBER.exec(packet)?.[1]);
    if (number < 0) this.reached.add(`${number} ${client}`);
    else if (number >= 0) this.onDelivery(number);
  }
}
