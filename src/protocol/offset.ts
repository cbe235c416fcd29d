// SPDX-License-Identifier: MIT

/**
 * The offset that a client gets with each packet and names when it comes back: the epoch of the primary, then the
 * packet's place in the order, in base 36. A primary chooses the epoch at random when it sets up the app, so that an
 * offset of an earlier primary is not taken for a place in this one's order.
 */
export function offsetOfOrder(epoch: string, order: number): string {
  return epoch + order.toString(36);
}

/** The place in the order that an offset names, or `undefined` if the offset is not of this epoch. */
export function orderOfOffset(epoch: string, offset: string): number | undefined {
  const digits = offset.slice(epoch.length);
  if (!offset.startsWith(epoch) || !/^[0-9a-z]{1,11}$/.test(digits)) return undefined;
  return Number.parseInt(digits, 36);
}
