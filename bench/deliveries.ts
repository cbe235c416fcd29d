import { attempt, contest, runnable } from "./contest";
import type { BroadcastOptions } from "./load/report";
import { type Delivered, deliver } from "./measure";
import { PROGRAMS, type Program, type Setup } from "./programs";
import { figures, type Results } from "./results";
import { NAMES, SIZES, type Size } from "./sizes";
import type { Row } from "./table";

/** There are many of these loads, so each is short. */
export const MAX_SECONDS = 2;
/** In one process nothing is in the middle. */
const ALONE: Program = "plain process";

export interface Deliveries extends Setup {
  what: string;
  load: "relay" | "latency";
  programs?: readonly Program[];
  sizes?: readonly Size[];
  /** What the load is told beside the usual: one client on each worker, and packets for all others. */
  optionsFor?: (size: Size) => Partial<BroadcastOptions>;
}

/** What the contenders did with each size. */
export type BySize = ReadonlyMap<Size, Results<Delivered>>;

/** Each contender takes packets of all sizes in one life; a size that it fails at is missing. */
export async function deliveries(
  { what, load, programs = PROGRAMS, sizes = SIZES, optionsFor, ...setup }: Deliveries,
  seconds: number,
): Promise<BySize> {
  const results = new Map<Size, Results<Delivered>>(sizes.map((size) => [size, {}]));
  const options = { clients: setup.workers, seconds: Math.min(seconds, MAX_SECONDS) };
  await contest(
    what,
    async (serving, program) => {
      const processes = program === ALONE ? 1 : setup.workers;
      const run = (size: Size) =>
        deliver(load, serving, { ...options, processes, size, ...optionsFor?.(size) });
      // Servers run for long: nothing counts before their code is compiled.
      await attempt(`${what}, warm-up: ${program}`, () => run(sizes[0]!));
      for (const size of sizes) {
        await attempt(`${what}, ${NAMES[size]}: ${program}`, async () => {
          results.get(size)![program] = await run(size);
        });
      }
    },
    runnable(programs),
    setup,
  );
  return results;
}

/** How many, and what each costs. */
export function costRows(what: string, results: Results<Delivered>): [rate: Row, primary: Row, host: Row] {
  const { [ALONE]: _, ...relayed } = results;
  return [
    { title: `${what}: deliveries/s`, figures: figures(results, ({ perSecond }) => perSecond), digits: 0 },
    {
      title: "  CPU of the primary, or Redis, per delivery, us",
      figures: figures(relayed, ({ primaryMicros }) => primaryMicros),
      digits: 1,
    },
    {
      title: "  CPU of all processes per delivery, us",
      figures: figures(results, ({ hostMicros }) => hostMicros),
      digits: 1,
    },
  ];
}
