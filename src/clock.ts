// SPDX-License-Identifier: MIT
import { consoleLog, type Log, shield } from "./log";

/**
 * Time as this package uses it: a clock that never jumps, and timers whose callbacks cannot take down the
 * process. Whoever waits for something is given a clock; the linter forbids Node's own timers and `Date.now`
 * where it has to be used.
 */
export interface Clock {
  /**
   * Milliseconds, with fractions, on the monotonic clock of this machine. It says nothing about the date. All processes
   * of the machine read the same clock, so one process can compare its time with that of another.
   */
  now(): number;
  /** Calls `act` once, after that many milliseconds, unless the timer is cleared with `clearTimeout`. */
  after(ms: number, act: () => void): NodeJS.Timeout;
  /** Calls `act` again and again, until the timer is cleared with `clearInterval`. */
  every(ms: number, act: () => void): NodeJS.Timeout;
  /** Calls `act` in the next turn of the event loop, when this turn has read what could be read. */
  nextTurn(act: () => void): void;
  /** Resolves after that many milliseconds. */
  wait(ms: number): Promise<void>;
}

/** The date, in milliseconds since 1970, for what is shown to users. It may jump, so no wait is measured with it. */
export function dateMs(): number {
  return Date.now();
}

/** The machine's monotonic clock; see {@link Clock.now}. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/**
 * A clock whose timers are shielded: what `act` throws goes to the log. No timer keeps a process alive that
 * has nothing else to do.
 */
export function createClock(log: Log = consoleLog): Clock {
  return {
    now: monotonicMs,
    after: (ms, act) => setTimeout(shield(log, act), ms).unref(),
    every: (ms, act) => setInterval(shield(log, act), ms).unref(),
    nextTurn: (act) => void setImmediate(shield(log, act)),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref()),
  };
}
