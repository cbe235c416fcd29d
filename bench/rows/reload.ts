import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { contest } from "../contest";
import { Crowd, type Seen } from "../crowd";
import { cpuMicros } from "../proc";
import type { Serving } from "../programs";
import { figures, withDigits } from "../results";
import { roomFor } from "../room-for";
import type { Row } from "../table";
import { atLeast, atMost, none } from "../wanted";

const CROWDS = [100, 1000, 10_000];

interface Reloaded extends Seen {
  ms: number;
  /** By the worker that was slowest. */
  movedPerSecond: number;
  primaryCpuMs: number;
}

/** What a crowd of clients sees of `pm2 reload`, with recovery where there is any. */
export async function reload(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const wanted of CROWDS) rows.push(...(await reloadUnder(wanted)));
  return [...rows, await bareHops()];
}

/** The yardstick for the speed of a handover. */
async function bareHops(): Promise<Row> {
  const passing = fork(join(__dirname, "../load/pass-on.js"));
  const [perSecond] = await once(passing, "message");
  passing.kill();
  const title = "sockets/s from worker to primary to worker, by Node alone";
  return { title, figures: { "plain process": perSecond }, digits: 0 };
}

async function reloadUnder(wanted: number): Promise<Row[]> {
  const clients = roomFor(wanted);
  const noRoom = clients < wanted ? ` (no room for ${withDigits(wanted, 0)})` : "";
  const crowd = `reload under ${withDigits(clients, 0)} clients${noRoom}`;
  const results = await contest(
    crowd,
    (serving) => reloadOnce(serving, clients),
    ["pm2-socket.io", "@socket.io/pm2"],
    { recovery: true },
  );
  const row = (title: string, take: (reloaded: Reloaded) => number, digits = 0): Row => ({
    title,
    figures: figures(results, take),
    digits,
  });
  const judged = (one: Row, judge: typeof none): Row => ({ ...one, verdict: judge(one.figures) });
  return [
    row(`${crowd}, ms`, ({ ms }) => ms),
    judged(
      row("  disconnects", ({ disconnects }) => disconnects),
      none,
    ),
    judged(
      row("  missed deliveries", ({ missed }) => missed),
      none,
    ),
    judged(
      row("  doubled or misplaced deliveries", ({ disordered }) => disordered),
      none,
    ),
    judged(
      row("  missed answers", ({ unanswered }) => unanswered),
      none,
    ),
    row("  longest silence of a client, ms", ({ longestSilenceMs }) => longestSilenceMs),
    judged(
      row("  longest wait for an answer, p99 of clients, ms", ({ waitP99Ms }) => waitP99Ms),
      (seen) => atMost(seen, 250, 0),
    ),
    judged(
      row("  sessions moved/s, per worker", ({ movedPerSecond }) => movedPerSecond),
      (seen) => atLeast(seen, 2000, 0),
    ),
    row("  primary's CPU, ms", ({ primaryCpuMs }) => primaryCpuMs),
  ];
}

async function reloadOnce({ port, primaryPid, ...serving }: Serving, clients: number): Promise<Reloaded> {
  const crowd = await Crowd.gather(port, clients);
  try {
    let ms = 0;
    let primaryCpuMs = 0;
    const seen = await crowd.during(async () => {
      const before = cpuMicros(primaryPid);
      ms = await serving.reload!();
      primaryCpuMs = (cpuMicros(primaryPid) - before) / 1000;
    });
    return { ...seen, ms, primaryCpuMs, movedPerSecond: slowestMove(serving.log!()) };
  } finally {
    crowd.disperse();
  }
}

/** From what our daemon says of each worker; another one says nothing. */
function slowestMove(log: string): number {
  const rates = [...log.matchAll(/gave up its sessions in (\d+) ms: (\d+) moved/g)].map(
    ([, ms, moved]) => (Number(moved) / Number(ms)) * 1000,
  );
  return rates.length > 0 ? Math.min(...rates) : Number.NaN;
}
