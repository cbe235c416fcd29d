// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";

/** How long the drain of a worker may take. */
export interface DrainLimits {
  /** Without any progress. */
  standstillMs: number;
  /** Without any progress while it has sessions, which may wait for acknowledgements. */
  sessionStandstillMs: number;
  /** In all. */
  timeoutMs: number;
}

/**
 * The drain of one worker as the primary sees it:
 *
 *     none ──begin()──▶ running ──finish(): nothing is left, or it is gone──▶ finished ──its last session has arrived──▶ reported
 *                          └──stop(): stands still, out of time, hurried──▶ stopped ──finish()──▶ finished
 *
 * Its manager waits for the end of `running`. The report waits for the sessions that are still on their way.
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

  /** Whether the worker has given up all it can. */
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

  /** It has less than before, and so many sessions now. */
  progress(sessions: number): void {
    if (this.state !== "running" || !this.limits) return;
    clearTimeout(this.standstill);
    const { standstillMs, sessionStandstillMs } = this.limits;
    const waitMs = sessions > 0 ? sessionStandstillMs : standstillMs;
    this.standstill = this.clock.after(waitMs, () => this.stop());
  }

  /** Ends the wait, also one that begins later. */
  hurry(): void {
    this.isHurried = true;
    this.stop();
  }

  /** Ends the wait, whatever the worker still has. */
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

  /** A session has left for another worker. */
  sessionLeft(): void {
    this.onTheirWay++;
  }

  /** It has arrived, or is lost. */
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
