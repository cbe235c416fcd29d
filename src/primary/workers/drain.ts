// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";

/** How long the drain of a worker may take, in milliseconds. */
export interface DrainLimits {
  /** How long it may go on without any progress. */
  standstillMs: number;
  /** The same while the worker still has sessions: they may be waiting for acknowledgements. */
  sessionStandstillMs: number;
  /** How long it may take in all. */
  timeoutMs: number;
}

/**
 * The drain of one worker as the primary sees it:
 *
 *     none ──begin()──▶ running ──finish(): nothing is left, or it is gone──▶ finished ──its last session has arrived──▶ reported
 *                          └──stop(): stands still, out of time, hurried──▶ stopped ──finish()──▶ finished
 *
 * The worker's manager waits for the end of `running`, and then sends the signal that ends the worker. The report, a
 * line in the log, waits until the sessions that are still on their way have arrived.
 */
export class Drain {
  private state: "none" | "running" | "stopped" | "finished" | "reported" = "none";
  private readonly waiters: (() => void)[] = [];
  private readonly timers: NodeJS.Timeout[] = [];
  private standstill: NodeJS.Timeout | undefined;
  private limits: DrainLimits | undefined;
  private isHurried = false;
  private onTheirWay = 0;
  startedMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly report: (tookMs: number) => void,
  ) {}

  /** Whether nobody waits for the drain any more: the worker has nothing left, or its time is over. */
  get over(): boolean {
    return this.state !== "none" && this.state !== "running";
  }

  /** Resolves when the worker may be stopped. */
  begin(limits: DrainLimits, sessions: number): Promise<void> {
    if (this.over) return Promise.resolve();
    if (this.state === "none") {
      this.state = "running";
      this.startedMs = this.clock.now();
      this.limits = limits;
      this.timers.push(this.clock.after(limits.timeoutMs, () => this.stop()));
      this.progress(sessions);
      if (this.isHurried) this.stop();
    }
    if (this.over) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  /** The worker has given up something, and has this many sessions left. */
  progress(sessions: number): void {
    if (this.state !== "running" || !this.limits) return;
    clearTimeout(this.standstill);
    const { standstillMs, sessionStandstillMs } = this.limits;
    const waitMs = sessions > 0 ? sessionStandstillMs : standstillMs;
    this.standstill = this.clock.after(waitMs, () => this.stop());
  }

  /** Ends the wait for the drain, even if the drain begins only later. */
  hurry(): void {
    this.isHurried = true;
    this.stop();
  }

  /** Ends the wait for a drain that is running, whatever the worker still has. */
  stop(): void {
    if (this.state !== "running") return;
    this.state = "stopped";
    for (const timer of [...this.timers, this.standstill]) clearTimeout(timer);
    for (const done of this.waiters.splice(0)) done();
  }

  /** The worker has nothing left, or is gone. */
  finish(): void {
    if (this.state !== "running" && this.state !== "stopped") return;
    this.stop();
    this.state = "finished";
    this.reportIfSettled();
  }

  /** A session is on its way to another worker. */
  sessionLeft(): void {
    this.onTheirWay++;
  }

  /** A session that was on its way has arrived, or is lost. */
  sessionSettled(): void {
    this.onTheirWay--;
    this.reportIfSettled();
  }

  private reportIfSettled(): void {
    if (this.state !== "finished" || this.onTheirWay > 0) return;
    this.state = "reported";
    this.report(Math.round(this.clock.now() - this.startedMs));
  }
}
