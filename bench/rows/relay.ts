import { contest } from "../contest";
import { measure } from "../measure";
import { cpuMicros } from "../proc";
import { figures, type Row } from "../table";

const SIZES = [
  [64, "64 B"],
  [1024, "1 KiB"],
  [16 * 1024, "16 KiB"],
] as const;

/** One process has nobody to relay to. */
const CLUSTERS = ["pm2-socket.io", "@socket.io/pm2"] as const;

export async function relay(seconds: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [size, label] of SIZES) {
    const results = await contest(
      `relay of ${label}`,
      ({ port, primaryPid }) => measure("relay", { port, seconds, size }, () => cpuMicros(primaryPid)),
      CLUSTERS,
    );
    rows.push({
      title: `primary's CPU per ${label} relayed, us`,
      figures: figures(results, ({ gainEach }) => gainEach),
      digits: 1,
    });
  }
  return rows;
}
