// SPDX-License-Identifier: MIT

/** Calls `act`. What the app's code throws in it is an uncaught error, but does not keep the caller from going on. */
export function throwLater(act: () => void): void {
  try {
    act();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
