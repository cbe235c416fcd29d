import { costRows, deliveries } from "../deliveries";
import type { Row } from "../table";
import { lessThanRedis } from "../wanted";

const WORKERS = 8;

/** One of the workers has a member of the room that the clients of all others send to. */
export async function rooms(seconds: number): Promise<Row[]> {
  const what = `room with members on 1 of ${WORKERS} workers`;
  const optionsFor = () => ({ toRoom: true });
  const results = await deliveries(
    { what, load: "relay", workers: WORKERS, recovery: false, sizes: [64], optionsFor },
    seconds,
  );
  const [rate, primary, host] = costRows(`${what}, 64 B`, results.get(64)!);
  return [rate, primary, { ...host, verdict: lessThanRedis(host.figures) }];
}
