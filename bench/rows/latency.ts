import { deliveries } from "../deliveries";
import { figures } from "../results";
import { NAMES, SIZES, type Size } from "../sizes";
import type { Row } from "../table";
import { lessThanRedis } from "../wanted";

const WORKERS = 4;
/** So few that all contenders keep up. */
const PER_SECOND: Record<Size, number> = { 64: 200, 1024: 200, 16384: 100, 1048576: 10 };

/** From the client that makes its worker broadcast to the clients of the other workers. */
export async function latency(seconds: number): Promise<Row[]> {
  const optionsFor = (size: Size) => ({ perSecond: PER_SECOND[size] });
  const results = await deliveries(
    { what: "latency", load: "latency", workers: WORKERS, recovery: false, optionsFor },
    seconds,
  );
  return SIZES.flatMap((size) => {
    const what = `latency among ${WORKERS} workers, ${NAMES[size]}, ${PER_SECOND[size]}/s`;
    const p99 = figures(results.get(size)!, ({ p99Ms }) => p99Ms ?? Number.NaN);
    return [
      {
        title: `${what}: p50, ms`,
        figures: figures(results.get(size)!, ({ p50Ms }) => p50Ms ?? Number.NaN),
        digits: 2,
      },
      { title: "  p99, ms", figures: p99, digits: 2, verdict: lessThanRedis(p99) },
    ];
  });
}
