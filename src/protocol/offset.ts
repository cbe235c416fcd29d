// SPDX-License-Identifier: MIT

/**
 * What a client is told of a packet's place: the epoch of the primary, and the order in base 36. Offsets of another
 * primary mean nothing.
 */
export function offsetOfOrder(epoch: string, order: number): string {
  return epoch + order.toString(36);
}

/** The order in an offset, or `undefined` if it is not one of this epoch. */
export function orderOfOffset(epoch: string, offset: string): number | undefined {
  const digits = offset.slice(epoch.length);
  if (!offset.startsWith(epoch) || !/^[0-9a-z]{1,11}$/.test(digits)) return undefined;
  return Number.parseInt(digits, 36);
}
