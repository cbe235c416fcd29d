// SPDX-License-Identifier: MIT
import { consoleLog, type Log, shield } from "./log";

/**
 * Time as this package uses it: a clock that never jumps, and timers that never throw. It is passed to whoever waits for
 * something; the linter forbids Node's own timers and `Date.now` where it has to be used.
 */
export interface Clock {
  /**
   * Milliseconds, with fractions, on the monotonic clock of this machine. All processes of the machine read the same
   * clock, so that a time which one process tells can be compared by another; it stands for no date.
   */
  now(): number;
  /** Calls `act` once, after that many milliseconds, unless the timer is cleared with `clearTimeout`. */
  after(ms: number, act: () => void): NodeJS.Timeout;
  /** Calls `act` again and again, until the timer is cleared with `clearInterval`. */
  every(ms: number, act: () => void): NodeJS.Timeout;
  /** Calls `act` once the event loop has taken in what can be read at the moment. */
  nextTurn(act: () => void): void;
  /** Resolves after that many milliseconds. */
  wait(ms: number): Promise<void>;
}

/** The date, in milliseconds since 1970: for what is shown or told to others. It jumps; nothing waits by it. */
export function dateMs(): number {
  return Date.now();
}

/** The machine's monotonic clock; see {@link Clock.now}. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/**
 * A clock whose timers are shielded: what `act` throws goes to the log. None of them keeps a process alive that has
 * nothing else to do.
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
