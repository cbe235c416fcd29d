import { RECOVERING } from "../contest";
import { costRows, deliveries } from "../deliveries";
import { NAMES, type Size } from "../sizes";
import type { Row } from "../table";

const WORKERS = 4;
const SIZES: readonly Size[] = [64, 1024, 16384];

/** What recovery costs while nobody has to recover. */
export async function recovery(seconds: number): Promise<Row[]> {
  const run = (on: boolean) =>
    deliveries(
      {
        what: `recovery ${on ? "on" : "off"}`,
        load: "relay",
        workers: WORKERS,
        recovery: on,
        programs: RECOVERING,
        sizes: SIZES,
      },
      seconds,
    );
  const [off, on] = [await run(false), await run(true)];
  return SIZES.flatMap((size) => [
    ...costRows(`recovery off, ${WORKERS} workers, ${NAMES[size]}`, off.get(size)!),
    ...costRows(`recovery on, ${WORKERS} workers, ${NAMES[size]}`, on.get(size)!),
  ]);
}
