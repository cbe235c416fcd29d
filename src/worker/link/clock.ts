// SPDX-License-Identifier: MIT

/** The host's monotonic clock, in microseconds: the same for all processes. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1e3;
}
