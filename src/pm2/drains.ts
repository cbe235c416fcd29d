// SPDX-License-Identifier: AGPL-3.0-only
import { type Clock, monotonicMs } from "../clock";
import type { Outcome } from "../primary/workers/handover-counts";
import type { WorkerHandle } from "../primary/workers/worker-handle";
import type { Pm2Env } from "./internals";

/** How far a worker is that gives up its sessions; what the command shows. */
export interface DrainProgress extends Record<Outcome, number> {
  /** PM2's id of the process. */
  id: number;
  name: string;
  /** On the machine's monotonic clock. */
  startedMs: number;
  /** The sessions it had, as far as is known. */
  sessions: number;
}

/** How long a drain that is over can be asked for. */
const KEPT_MS = 60_000;

/** The drains of all apps, by PM2's id of the process; the latest of each. */
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

  /** The worker is gone. */
  end({ pm_id }: Pm2Env, handle: WorkerHandle): void {
    const id = idOf(pm_id);
    this.clock.after(KEPT_MS, () => {
      if (this.latest.get(id)?.handle === handle) this.latest.delete(id);
    });
  }

  /** Those that began at this time or later. */
  since(ms: number): DrainProgress[] {
    return [...this.latest.values()]
      .map(({ progress }) => progress())
      .filter(({ startedMs }) => startedMs >= ms);
  }
}

/** A worker that is being replaced has `_old_` in front of its id. */
function idOf(pmId: number | string): number {
  return Number(String(pmId).replace("_old_", ""));
}
