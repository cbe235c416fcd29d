/** What a load generator is told, and what it tells. */
export interface LoadOptions {
  port: number;
  seconds?: number;
  /** How many, for `sessions`, `make-sessions` and `restore-sessions`. */
  sessions?: number;
}

/** The same for loads that broadcast. */
export interface BroadcastOptions {
  port: number;
  seconds: number;
  clients: number;
  /** Among how many processes the clients are to be spread evenly. */
  processes: number;
  /** Bytes of each packet. */
  size: number;
  /** Whether all packets are for one client, the only member of a room, instead of for all others. */
  toRoom?: boolean;
  /** How many packets, for `latency`. */
  perSecond?: number;
}

export interface LoadResult {
  /** How many of whatever the load does succeeded. */
  count: number;
  failed: number;
  /** How long something took, for `latency`. */
  p50Ms?: number;
  p99Ms?: number;
}

/** `begin` when the warm-up is over. */
export type Report = "begin" | LoadResult;

const WARM_UP_MS = 1000;

export function loadOptions<Options = LoadOptions>(): Required<Options> {
  return JSON.parse(process.argv[2]!);
}

export function tell(report: Report): void {
  process.send?.(report);
}

/** Counts what happens between the warm-up and the end of the time; then reports. */
export class Counter {
  private readonly result: LoadResult = { count: 0, failed: 0 };
  private counting = false;

  /** @param more what else is reported in the end */
  constructor(
    private readonly seconds: number,
    private readonly more: () => Partial<LoadResult> = () => ({}),
  ) {
    setTimeout(() => this.begin(), WARM_UP_MS);
  }

  /** Returns whether it counts. */
  succeeded(): boolean {
    if (this.counting) this.result.count++;
    return this.counting;
  }

  failed(): void {
    if (this.counting) this.result.failed++;
  }

  private begin(): void {
    this.counting = true;
    tell("begin");
    setTimeout(() => {
      this.counting = false;
      tell({ ...this.result, ...this.more() });
    }, this.seconds * 1000);
  }
}

// The bench is gone.
process.once("disconnect", () => process.exit());
