// SPDX-License-Identifier: MIT
import type { MovedSession, ServerNumber } from "./messages";

/**
 * What travels over Node's IPC channel: frames where there is no pipe, and sockets always. Our messages are objects
 * with the one key {@link KEY}, so that they can be told from everybody else's. Bytes travel as latin1 or base64 text,
 * which survives both of Node's serializations.
 */
export const KEY = "pm2-socket.io";

export type Envelope =
  /** A frame, base64. */
  | { f: string }
  /**
   * From the primary, with a socket: handoff number, the server that it is for (none if it is a session that moves), and
   * the bytes that were already read, latin1.
   */
  | { handoff: number; server?: ServerNumber; head: string; session?: MovedSession }
  /** From a worker, with a socket of this server: it goes back to the primary, with bytes to be read first, latin1. */
  | { back: string; server: ServerNumber }
  /** From a worker, with a socket: it belongs to the session with this id, see `move` in `messages.ts`. */
  | { move: string }
  /** From a worker, to whoever started it: something that the app's owner should know. */
  | { note: Note };

/** A remark of a worker for its app's error log. All workers of an app make it; it is logged once. */
export interface Note {
  /** Which of `errors.ts` it is. */
  code: string;
  /** What its text is filled in with. */
  values: string[];
  /** It only holds for workers that have this in common, and is logged when a second one says the same. */
  shared?: string;
}

export function seal(envelope: Envelope): object {
  return { [KEY]: envelope };
}

/** The envelope in an IPC message, or `undefined` if the message is not ours. */
export function unseal(message: unknown): Envelope | undefined {
  if (typeof message !== "object" || message === null || !(KEY in message)) return undefined;
  const envelope = (message as Record<string, unknown>)[KEY];
  return typeof envelope === "object" && envelope !== null ? (envelope as Envelope) : undefined;
}
