/** Clients that ask and listen, evenly over time, for as long as it takes. Reports what they saw of it. */
import type { CrowdMessage, CrowdOptions, CrowdOrder, Tally } from "./crowd-report";
import { Member } from "./member";

const CONNECTING = 32;
const TICK_MS = 10;
/** For the last answers and news. */
const REST_MS = 1000;

const { port, first, clients, askIntervalMs }: CrowdOptions = JSON.parse(process.argv[2]!);
const tally: Tally = { disconnects: 0, unanswered: 0, disordered: 0, heard: [] };
const members = Array.from({ length: clients }, (_, i) => new Member(port, first + i, tally));

process.on("message", (order: CrowdOrder) => (order === "begin" ? begin() : end()));
// The bench is gone.
process.once("disconnect", () => process.exit());
void connectAll();

async function connectAll(): Promise<void> {
  const waiting = [...members];
  const some = async () => {
    for (let member = waiting.pop(); member; member = waiting.pop()) {
      const one = member;
      // One that fails has its turn once more.
      await one.connect().catch(() => waiting.push(one));
    }
  };
  await Promise.all(Array.from({ length: CONNECTING }, some));
  askInTurns();
  tell("ready");
}

let asking: NodeJS.Timeout;

function askInTurns(): void {
  const start = performance.now();
  let asked = 0;
  asking = setInterval(() => {
    const due = ((performance.now() - start) / askIntervalMs) * clients;
    for (; asked < due; asked++) members[asked % clients]!.ask();
  }, TICK_MS);
}

function begin(): void {
  Object.assign(tally, { disconnects: 0, unanswered: 0, disordered: 0 });
  for (const member of members) member.begin();
}

function end(): void {
  clearInterval(asking);
  const longest = members.map((member) => member.longest());
  setTimeout(() => {
    for (const member of members) member.end();
    const silencesMs = longest.map(({ silenceMs }) => silenceMs);
    const waitsMs = longest.map(({ waitMs }) => waitMs);
    tell({ ...tally, silencesMs, waitsMs });
  }, REST_MS);
}

function tell(message: CrowdMessage): void {
  process.send?.(message);
}
