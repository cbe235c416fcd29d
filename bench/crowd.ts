import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import {
  type CrowdMessage,
  type CrowdOptions,
  type CrowdOrder,
  type CrowdReport,
  ROOMS,
} from "./load/crowd-report";
import { Publisher } from "./publisher";
import { quantile } from "./quantile";
import { pause } from "./until";

const GENERATORS = 2;
/** All of it together; so that two cores have some time left. */
const ANSWERS_PER_SECOND = 2500;
const DELIVERIES_PER_SECOND = 5000;
/** Fewer clients are not more busy than this. */
const MIN_INTERVAL_MS = 100;
const WARM_UP_MS = 1000;
/** What an action breaks may be seen later; and clients come back. */
const AFTERMATH_MS = 4000;

/** What a crowd has seen. */
export interface Seen {
  disconnects: number;
  unanswered: number;
  missed: number;
  disordered: number;
  longestSilenceMs: number;
  /** Of each client's longest wait for an answer: that of the client who is worse off than 99 of 100. */
  waitP99Ms: number;
}

/** Clients that ask, answer and listen, in processes of their own. */
export class Crowd {
  private constructor(
    private readonly port: number,
    private readonly clients: number,
    private readonly generators: readonly ChildProcess[],
  ) {}

  /** Resolves when all of them are connected. */
  static async gather(port: number, clients: number): Promise<Crowd> {
    const askIntervalMs = interval(clients, ANSWERS_PER_SECOND);
    const generators: ChildProcess[] = [];
    const crowd = new Crowd(port, clients, generators);
    const ready: Promise<unknown>[] = [];
    for (let first = 0; first < clients; first += Math.ceil(clients / GENERATORS)) {
      const share = Math.min(Math.ceil(clients / GENERATORS), clients - first);
      const options: CrowdOptions = { port, first, clients: share, askIntervalMs };
      const generator = fork(join(__dirname, "load/crowd.js"), [JSON.stringify(options)]);
      generators.push(generator);
      ready.push(nextMessage(generator));
    }
    try {
      await Promise.all(ready);
    } catch (error) {
      crowd.disperse();
      throw error;
    }
    return crowd;
  }

  /** Returns what the clients see of an action. */
  async during(action: () => Promise<void>): Promise<Seen> {
    const publisher = await Publisher.open(this.port);
    await pause(WARM_UP_MS);
    this.tell("begin");
    publisher.start(interval(this.clients, DELIVERIES_PER_SECOND) / ROOMS);
    await action();
    await pause(AFTERMATH_MS);
    const published = await publisher.stop();
    const reports = Promise.all(this.generators.map(nextMessage));
    this.tell("end");
    return summary((await reports) as CrowdReport[], published, this.clients);
  }

  /** All at once, without a word. */
  disperse(): void {
    for (const generator of this.generators) generator.kill("SIGKILL");
  }

  private tell(order: CrowdOrder): void {
    for (const generator of this.generators) generator.send(order);
  }
}

function interval(clients: number, perSecond: number): number {
  return Math.max(MIN_INTERVAL_MS, (clients * 1000) / perSecond);
}

async function nextMessage(generator: ChildProcess): Promise<CrowdMessage> {
  const exit = once(generator, "exit").then(([code]) => {
    throw new Error(`a generator of the crowd exited with ${code}`);
  });
  const [message] = await Promise.race([once(generator, "message"), exit]);
  return message;
}

function summary(reports: readonly CrowdReport[], published: ReadonlySet<number>, clients: number): Seen {
  const sum = (take: (report: CrowdReport) => number) => reports.reduce((all, one) => all + take(one), 0);
  let missed = 0;
  for (const news of published)
    missed += membersOf(news % ROOMS, clients) - sum(({ heard }) => heard[news] ?? 0);
  return {
    missed,
    disconnects: sum(({ disconnects }) => disconnects),
    unanswered: sum(({ unanswered }) => unanswered),
    disordered: sum(({ disordered }) => disordered),
    longestSilenceMs: quantile(
      reports.flatMap(({ silencesMs }) => silencesMs),
      1,
    ),
    waitP99Ms: quantile(
      reports.flatMap(({ waitsMs }) => waitsMs),
      0.99,
    ),
  };
}

function membersOf(room: number, clients: number): number {
  return Math.ceil((clients - room) / ROOMS);
}
