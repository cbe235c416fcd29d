/** What a load generator is told, and what it tells. */
export interface LoadOptions {
  port: number;
  seconds?: number;
  /** Bytes of each packet, for `relay`. */
  size?: number;
  /** How many, for `sessions`. */
  sessions?: number;
}

export interface LoadResult {
  /** How many of whatever the load does succeeded. */
  count: number;
  failed: number;
}

/** `begin` when the warm-up is over. */
export type Report = "begin" | LoadResult;

const WARM_UP_MS = 1000;

export function loadOptions(): Required<LoadOptions> {
  return JSON.parse(process.argv[2]!);
}

export function tell(report: Report): void {
  process.send?.(report);
}

/** Counts what happens between the warm-up and the end of the time; then reports. */
export class Counter {
  private readonly result: LoadResult = { count: 0, failed: 0 };
  private counting = false;

  constructor(private readonly seconds: number) {
    setTimeout(() => this.begin(), WARM_UP_MS);
  }

  succeeded(): void {
    if (this.counting) this.result.count++;
  }

  failed(): void {
    if (this.counting) this.result.failed++;
  }

  private begin(): void {
    this.counting = true;
    tell("begin");
    setTimeout(() => {
      this.counting = false;
      tell(this.result);
    }, this.seconds * 1000);
  }
}

// The bench is gone.
process.once("disconnect", () => process.exit());
