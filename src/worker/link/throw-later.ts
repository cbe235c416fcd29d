// SPDX-License-Identifier: MIT

/**
 * Calls `act`, which runs code of the app. If that throws, the error becomes an uncaught one, as the app
 * would have it, but only in the next tick: the caller goes on with what else it has to do.
 */
export function throwLater(act: () => void): void {
  try {
    act();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
