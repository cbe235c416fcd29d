// SPDX-License-Identifier: MIT

import { enginePathOf, sessionIdOf } from "../../protocol/session-id";

/** What the first bytes of a connection say. */
export type Scan =
  /** The request line is not complete. */
  | { state: "more" }
  /** Not HTTP/1.x. */
  | { state: "malformed" }
  /**
   * The request line is complete. `sessionId` is its `sid` query parameter, if it has one. `enginePath` is the path of
   * an Engine.IO request without a session, that is, of one that opens a session.
   */
  | { state: "complete"; sessionId?: string; enginePath?: string };

const MORE: Scan = { state: "more" };
const MALFORMED: Scan = { state: "malformed" };
const COMPLETE: Scan = { state: "complete" };

const LF = 10;
const CR = 13;
const SPACE = 32;
/** Longer than any method that Node's parser knows. */
const MAX_METHOD_LENGTH = 24;
/** Blank lines before the request line are allowed (RFC 9112, 2.2), within reason. */
const MAX_BLANK_BYTES = 8;
const REQUEST_LINE = /^[A-Z-]+ ([\x21-\x7e\x80-\xff]+) HTTP\/1\.[0-9]\r?$/;

/**
 * Reads the request line (RFC 9112, 3) from the first bytes of a connection. Pure: the answer depends on the bytes
 * alone, not on the chunks in which they came. Bytes that cannot become an HTTP method are malformed at once, without
 * waiting for the end of the line.
 */
export function scanHead(bytes: Buffer): Scan {
  const start = startOfLine(bytes);
  if (start > MAX_BLANK_BYTES) return MALFORMED;

  const end = bytes.indexOf(LF, start);
  if (end === -1) return couldBeMethod(bytes, start) ? MORE : MALFORMED;

  const target = REQUEST_LINE.exec(bytes.toString("latin1", start, end))?.[1];
  if (target === undefined) return MALFORMED;
  const sessionId = sessionIdOf(target);
  if (sessionId !== undefined) return { state: "complete", sessionId };
  const enginePath = enginePathOf(target);
  return enginePath === undefined ? COMPLETE : { state: "complete", enginePath };
}

/** Where the request line begins, behind blank lines. */
export function startOfLine(bytes: Buffer): number {
  let start = 0;
  while (start < bytes.length && (bytes[start] === CR || bytes[start] === LF)) start++;
  return start;
}

function couldBeMethod(bytes: Buffer, start: number): boolean {
  const end = Math.min(bytes.length, start + MAX_METHOD_LENGTH + 1);
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === SPACE) return i > start;
    if (!((byte >= 65 && byte <= 90) || byte === 45)) return false;
  }
  return end < start + MAX_METHOD_LENGTH + 1;
}
