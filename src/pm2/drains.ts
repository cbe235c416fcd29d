// SPDX-License-Identifier: AGPL-3.0-only
import { type Clock, monotonicMs } from "../clock";
import type { Outcome } from "../primary/workers/handover-counts";
import type { WorkerHandle } from "../primary/workers/worker-handle";
import type { Pm2Env } from "./internals";

/**
 * How far a worker is with giving up its sessions, for the command to show: of how many of them it is known what became
 * of them (see {@link Outcome}).
 */
export interface DrainProgress extends Record<Outcome, number> {
  /** PM2's id of the process. */
  id: number;
  name: string;
  /** When the drain began, in milliseconds on the machine's monotonic clock. */
  startedMs: number;
  /** How many sessions the worker had then, as far as is known. */
  sessions: number;
}

/** For how long a drain that is over is remembered. */
const KEPT_MS = 60_000;

/** The latest drain of each process, by PM2's id. */
export class Drains {
  constructor(private readonly clock: Clock) {}

  private readonly latest = new Map<number, { handle: WorkerHandle; progress: () => DrainProgress }>();

  begin({ pm_id, name }: Pm2Env, handle: WorkerHandle): void {
    const id = idOf(pm_id);
    if (this.latest.get(id)?.handle === handle) return;
    const { handoverCounts, sessions } = handle;
    const before = handoverCounts.toJSON();
    const startedMs = monotonicMs();
    const progress = () => {
      const [moved, closed, failed] = (["moved", "closed", "failed"] as const).map(
        (outcome) => handoverCounts[outcome] - before[outcome],
      ) as [number, number, number];
      const known = Math.max(sessions, moved + closed + failed);
      return { id, name, startedMs, sessions: known, moved, closed, failed };
    };
    this.latest.set(id, { handle, progress });
  }

  /** The worker's drain is over: it is remembered for a while. */
  end({ pm_id }: Pm2Env, handle: WorkerHandle): void {
    const id = idOf(pm_id);
    this.clock.after(KEPT_MS, () => {
      if (this.latest.get(id)?.handle === handle) this.latest.delete(id);
    });
  }

  /** The drains that began at this time or later. */
  since(ms: number): DrainProgress[] {
    return [...this.latest.values()]
      .map(({ progress }) => progress())
      .filter(({ startedMs }) => startedMs >= ms);
  }
}

/** The id that the user knows: during a reload PM2 puts `_old_` in front of the id of the old worker. */
function idOf(pmId: number | string): number {
  return Number(String(pmId).replace("_old_", ""));
}
