import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { RestoreReport } from "../load/report";
import { note, type Row, withDigits } from "../table";

/** What the primary does to restore sessions; their workers are played in the same process. */
export async function restores(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const sessions of [10_000, 100_000]) {
    const many = withDigits(sessions, 0);
    note(`restores: ${many} sessions`);
    const child = fork(join(__dirname, "../load/restores.js"), [JSON.stringify({ sessions })], {
      execArgv: ["--expose-gc"],
    });
    const [{ perSecond, bytesEach, longestMs }] = (await once(child, "message")) as [RestoreReport];
    child.kill();
    const row = (title: string, figure: number, digits: number): Row => ({
      title,
      figures: { "pm2-socket.io": figure },
      digits,
    });
    rows.push(
      row(`restores/s by the primary, ${many} sessions`, perSecond, 0),
      row("  longest of them, ms", longestMs, 2),
      row("  primary's memory per session, KiB", bytesEach / 1024, 2),
    );
  }
  return rows;
}
