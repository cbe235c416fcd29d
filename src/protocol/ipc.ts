// SPDX-License-Identifier: MIT
import type { MovedSession, ServerNumber } from "./messages";

/**
 * What travels over Node's IPC channel: sockets always, and frames where the worker has no pipe for them. The channel
 * also carries messages of PM2 and of the app; ours are objects with the one key {@link KEY}, by which they can be
 * told from those. Bytes travel as latin1 or base64 text, because Node's two serializations ("json" and "advanced")
 * both keep text as it is.
 */
export const KEY = "pm2-socket.io";

export type Envelope =
  /** A frame, base64. */
  | { f: string }
  /**
   * From the primary, with a socket: the number of the handoff, the worker's server that is to get the
   * connection (absent if it is the connection of a session that moves, `session`), and the bytes that were
   * already read from it, latin1.
   */
  | { handoff: number; server?: ServerNumber; head: string; session?: MovedSession }
  /**
   * From a worker, with a socket: the connection of one of its servers goes back to the primary. `back` is what the
   * worker has read of the connection's next request, latin1; it is often empty.
   */
  | { back: string; server: ServerNumber }
  /**
   * From a worker, with a socket: the connection of the session with this id, which moves; see `move` in `messages.ts`.
   */
  | { move: string }
  /** From a worker, to the process that started it: something that the app's owner should know. */
  | { note: Note };

/**
 * A remark of a worker for its app's error log. All workers of an app run the same code and make the same
 * remark; it is logged once.
 */
export interface Note {
  /** Its code in `errors.ts`. */
  code: string;
  /** What replaces the placeholders of its text. */
  values: string[];
  /**
   * Set if the remark holds only for workers that have this in common, for example a port. It is then logged when a
   * second worker makes it with the same value.
   */
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
