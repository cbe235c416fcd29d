import { contest } from "../contest";
import type { LoadResult } from "../load/report";
import { type Measured, measure } from "../measure";
import { cpuMicros } from "../proc";
import { type App, PROGRAMS, type Program, REDIS_ADAPTERS, type Serving } from "../programs";
import { figures, type Results, type Row } from "../table";
import { atLeastTimes, atMostTimes, type Verdict } from "../wanted";

/** A broadcast of so many bytes, so many at once; what part of `@socket.io/pm2`'s cost is wanted for each delivery. */
const SIZES = [
  { size: 64, label: "64 B", burst: 100, part: 1 / 25 },
  { size: 1024, label: "1 KiB", burst: 100, part: 1 / 20 },
  { size: 16 * 1024, label: "16 KiB", burst: 20, part: 1 / 6 },
  { size: 1024 * 1024, label: "1 MiB", burst: 1, part: undefined },
] as const;
const CLUSTERS: readonly Program[] = ["pm2-socket.io", "@socket.io/pm2", ...REDIS_ADAPTERS];
/** Each is short: there are many. */
const MAX_SECONDS = 3;

interface Delivered extends Measured {
  /** CPU time of all processes between the clients, for each delivery. */
  totalEach: number;
}

interface Case {
  what: string;
  workers: number;
  size: number;
  burst: number;
  room?: string;
  app?: App;
}

function deliver(one: Case, seconds: number, programs: readonly Program[]): Promise<Results<Delivered>> {
  const { what, workers, size, burst, room = "", app } = one;
  const run = async ({ port, primaryPid, pids }: Serving) => {
    const totals: number[] = [];
    const sample = () => {
      totals.push(pids.reduce((sum, pid) => sum + cpuMicros(pid), 0));
      return cpuMicros(primaryPid);
    };
    const processes = pids.includes(primaryPid) && pids.length === 1 ? 1 : workers;
    const options = { port, seconds, size, burst, room, clients: workers, processes };
    const measured = await measure("deliveries", options, sample);
    return { ...measured, totalEach: (totals[1]! - totals[0]!) / measured.count };
  };
  return contest(what, run, programs, app, workers);
}

function rowsOf(what: string, results: Results<Delivered>, rate?: Verdict, cpu?: Verdict): Row[] {
  return [
    { title: what, figures: figures(results, (one) => one.perSecond), digits: 0, verdict: rate },
    {
      title: "  primary's CPU per delivery, us",
      figures: withoutRedis(figures(results, (one) => one.gainEach)),
      digits: 2,
      verdict: cpu,
    },
    {
      title: "  CPU of all processes per delivery, us",
      figures: figures(results, (one) => one.totalEach),
      digits: 1,
    },
  ];
}

/** There the primary has no part in it. */
function withoutRedis(all: Results): Results {
  const { "redis-adapter": _, "redis-streams": __, ...rest } = all;
  return rest;
}

/** Packets that reach the clients of other workers. */
export async function deliveries(asked: number): Promise<Row[]> {
  const seconds = Math.min(asked, MAX_SECONDS);
  const rows: Row[] = [];
  for (const { size, label, burst, part } of SIZES) {
    const what = `deliveries/s of ${label}, 2 workers`;
    const results = await deliver({ what, workers: 2, size, burst }, seconds, [
      ...PROGRAMS,
      ...REDIS_ADAPTERS,
    ]);
    const cpu = figures(results, (one) => one.gainEach);
    rows.push(
      ...rowsOf(
        what,
        results,
        undefined,
        part === undefined ? undefined : atMostTimes(cpu, part, "@socket.io/pm2"),
      ),
    );
  }
  for (const workers of [4, 8]) {
    const what = `deliveries/s of 64 B, ${workers} workers`;
    const results = await deliver({ what, workers, size: 64, burst: 100 }, seconds, CLUSTERS);
    const rate = figures(results, (one) => one.perSecond);
    rows.push(...rowsOf(what, results, workers === 4 ? atLeastTimes(rate, 6, "@socket.io/pm2") : undefined));
  }
  return rows;
}

/** Packets for a room that one of eight workers has a member of. */
export async function rooms(asked: number): Promise<Row[]> {
  const what = "deliveries/s of 64 B to a room, 1 of 8 workers";
  const one = { what, workers: 8, size: 64, burst: 100, room: "room" };
  return rowsOf(what, await deliver(one, Math.min(asked, MAX_SECONDS), CLUSTERS));
}

/** The same packets with connection state recovery, where they are put in order and kept. */
export async function recovery(asked: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [label, app] of [
    ["off", "worker"],
    ["on", "recovering-worker"],
  ] as const) {
    const what = `deliveries/s of 1 KiB, 2 workers, recovery ${label}`;
    const one = { what, workers: 2, size: 1024, burst: 100, app };
    rows.push(...rowsOf(what, await deliver(one, Math.min(asked, MAX_SECONDS), ["pm2-socket.io"])));
  }
  return rows;
}

/** How long a broadcast takes from client to client, 200 of them a second. */
export async function latency(asked: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { size, label } of SIZES.slice(0, 3)) {
    const what = `broadcast of ${label}, 4 workers`;
    const run = ({ port, pids }: Serving) => {
      const options = {
        port,
        seconds: Math.min(asked, MAX_SECONDS),
        size,
        clients: 4,
        processes: Math.min(pids.length, 4),
      };
      return measure("latency", options, () => 0);
    };
    const results = await contest(what, run, [...PROGRAMS, ...REDIS_ADAPTERS], "worker", 4);
    const row = (quantile: string, take: (result: LoadResult) => number): Row => ({
      title: `${what}: ${quantile}, ms`,
      figures: figures(results, take),
      digits: 2,
    });
    const p99 = row("p99", ({ p99Ms = Number.NaN }) => p99Ms);
    rows.push(
      row("p50", ({ p50Ms = Number.NaN }) => p50Ms),
      { ...p99, verdict: atMostTimes(p99.figures, 1, "redis-adapter") },
    );
  }
  return rows;
}
