// SPDX-License-Identifier: MIT
import type { IncomingMessage } from "node:http";

/**
 * Headers that concern a single connection (RFC 9110, 7.6.1), and `expect`, which this worker has answered
 * already.
 */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
]);

/**
 * The headers by name, with lists for those that occur more than once. Node's `headersDistinct` would do the
 * same, but fails once a header was removed from `rawHeaders`, as it is from the requests of other workers.
 */
export function endToEndByName(rawHeaders: string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null);
  const kept = endToEnd(rawHeaders);
  for (let i = 0; i < kept.length; i += 2) {
    const name = kept[i]!.toLowerCase();
    const value = kept[i + 1]!;
    const former = headers[name];
    headers[name] = former === undefined ? value : [former, value].flat();
  }
  return headers;
}

/** All but the headers that concern a single connection, as names and values in turn. */
export function endToEnd(rawHeaders: string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!HOP_BY_HOP.has(rawHeaders[i]!.toLowerCase())) kept.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return kept;
}

/** Takes a header of ours out of a request, so that the app does not see it. Returns its value. */
export function takeHeader(req: IncomingMessage, header: string): string | undefined {
  const value = req.headers[header];
  delete req.headers[header];
  const at = req.rawHeaders.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === header);
  if (at >= 0) req.rawHeaders.splice(at, 2);
  return value === undefined ? undefined : String(value);
}
