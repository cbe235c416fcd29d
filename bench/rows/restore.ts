import { contest, RECOVERING, runnable } from "../contest";
import { type Measured, measure } from "../measure";
import { cpuMicros, rssBytes } from "../proc";
import type { Serving } from "../programs";
import { figures, withDigits } from "../results";
import type { Row } from "../table";

const SESSIONS = [10_000, 100_000];

interface Restored {
  made: Measured;
  restored: Measured;
}

/**
 * A hundred thousand clients do not fit on a small machine: the sessions are made by workers that tell the primary what
 * their adapter would tell of them, in raw frames, or call the adapter's `persistSession` where there is no primary.
 */
export async function restore(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const sessions of SESSIONS) {
    const what = `${withDigits(sessions, 0)} recoverable sessions (raw frames, no clients)`;
    const run = (serving: Serving) => restoreOn(serving, sessions);
    const results = await contest(what, run, runnable(RECOVERING), { recovery: true });
    const row = (title: string, digits: number, take: (all: Restored) => number): Row => ({
      title,
      digits,
      figures: figures(results, take),
    });
    rows.push(
      row(`${what}: memory, MB`, 1, ({ made }) => (made.gainEach * sessions) / 1e6),
      row("  restored/s", 0, ({ restored }) => restored.perSecond),
      row("  not restored", 0, ({ restored }) => restored.failed),
      row("  CPU of the primary, or Redis, for each restored, us", 1, ({ restored }) => restored.gainEach),
    );
  }
  return rows;
}

async function restoreOn({ port, primaryPid }: Serving, sessions: number): Promise<Restored> {
  return {
    made: await measure("make-sessions", { port, sessions }, () => rssBytes(primaryPid)),
    restored: await measure("restore-sessions", { port, sessions }, () => cpuMicros(primaryPid)),
  };
}
