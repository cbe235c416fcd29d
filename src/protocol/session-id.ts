// SPDX-License-Identifier: MIT
import { randomBytes } from "node:crypto";

/**
 * Session ids look like Engine.IO's own: 20 characters of the URL-safe base64 alphabet. The first three hold 18 bits:
 * nine for the slot and nine for the generation of the worker that made the id. By them the primary knows whose session
 * a request is for, without a table and without having to hear of the session from the worker first. The other 17
 * characters are random (102 bits).
 */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LENGTH = 20;
const RANDOM_LENGTH = 17;
const BITS = 9;

/** Slots and generations are below this number. Generations start again at 0 when they reach it. */
export const SLOT_LIMIT = 1 << BITS;

/** Slot and generation of a worker in one number: the key under which the primary finds it. */
export type Seat = number & { readonly __brand: "Seat" };

const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/** The seat of a worker. Both numbers are taken modulo {@link SLOT_LIMIT}. */
export function seatOf(slot: number, generation: number): Seat {
  return (((slot % SLOT_LIMIT) << BITS) | (generation % SLOT_LIMIT)) as Seat;
}

export function slotOf(seat: Seat): number {
  return seat >> BITS;
}

export function generationOf(seat: Seat): number {
  return seat & (SLOT_LIMIT - 1);
}

/** A new session id that names `seat`. */
export function createSessionId(seat: Seat): string {
  const prefix = ALPHABET[seat >> 12]! + ALPHABET[(seat >> 6) & 63] + ALPHABET[seat & 63];
  return prefix + randomBytes(13).toString("base64url").slice(0, RANDOM_LENGTH);
}

/**
 * The seat that a session id names, or `undefined` if the id cannot be one of ours. An id of the app's own making that
 * happens to have the same form seems to name a seat, too; such ids are claimed, and the claim counts.
 */
export function seatOfSessionId(id: string): Seat | undefined {
  if (id.length !== LENGTH) return undefined;
  let seat = 0;
  for (let i = 0; i < LENGTH; i++) {
    const code = id.charCodeAt(i);
    const value = code < 128 ? VALUES[code]! : -1;
    if (value < 0) return undefined;
    if (i < 3) seat = (seat << 6) | value;
  }
  return seat as Seat;
}

/**
 * The path of a request target if the request seems to be one for Engine.IO, which means that its query names a
 * protocol version (`EIO`) or a transport; `undefined` for any other request.
 */
export function enginePathOf(target: string): string | undefined {
  const question = target.indexOf("?");
  if (question === -1 || !/[?&](EIO|transport)=/.test(target)) return undefined;
  // A proxy may send the whole URL as the request target (RFC 9112, 3.2.2).
  return target.slice(0, question).replace(/^https?:\/\/[^/]*/i, "");
}

/** The `sid` parameter of a request target; the last one if there are several, as Engine.IO reads it. */
export function sessionIdOf(target: string): string | undefined {
  const question = target.indexOf("?");
  const hash = target.indexOf("#");
  if (question === -1 || (hash !== -1 && hash < question)) return undefined;
  const query = target.slice(question + 1, hash === -1 ? undefined : hash);
  if (query.includes("%") || query.includes("+")) {
    return new URLSearchParams(query).getAll("sid").pop() || undefined;
  }
  let sessionId: string | undefined;
  for (let from = 0; from < query.length; ) {
    const ampersand = query.indexOf("&", from);
    const to = ampersand === -1 ? query.length : ampersand;
    if (query.startsWith("sid=", from)) sessionId = query.slice(from + 4, to);
    from = to + 1;
  }
  return sessionId || undefined;
}
