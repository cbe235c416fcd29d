import { costRows, deliveries } from "../deliveries";
import { NAMES, SIZES, type Size } from "../sizes";
import type { Row } from "../table";
import { atLeastTimes, atMostPart, lessThanRedis } from "../wanted";

const CLUSTERS = [2, 4, 8];
/** The daemon's CPU is to be at most 1/n of what it is with `@socket.io/pm2`. */
const CPU_PARTS: Partial<Record<Size, number>> = { 64: 25, 1024: 20, 16384: 6 };
/** Where many more deliveries are wanted. */
const RATE = { workers: 4, size: 64, times: 6 };

/** Each of as many clients as workers broadcasts to all others, as fast as they get it. */
export async function relay(seconds: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const workers of CLUSTERS) {
    const what = `relay among ${workers} workers`;
    const results = await deliveries({ what, load: "relay", workers, recovery: false }, seconds);
    for (const size of SIZES) {
      const [rate, primary, host] = costRows(`${what}, ${NAMES[size]}`, results.get(size)!);
      if (workers === RATE.workers && size === RATE.size) {
        rate.verdict = atLeastTimes(rate.figures, RATE.times, "@socket.io/pm2");
      }
      const part = CPU_PARTS[size];
      if (part !== undefined) primary.verdict = atMostPart(primary.figures, part, "@socket.io/pm2");
      host.verdict = lessThanRedis(host.figures);
      rows.push(rate, primary, host);
    }
  }
  return rows;
}
