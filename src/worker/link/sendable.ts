// SPDX-License-Identifier: MIT
import { serialize } from "node:v8";

/**
 * As much of the app's data as can be sent to another process: all of it if possible, else those of its
 * properties that can be sent. For example, of `{ name: "Ann", log() {} }` it is `{ name: "Ann" }`.
 *
 * @param onDropped is told why something was left out, once for each property
 */
export function sendable(data: unknown, onDropped: (error: Error) => void): unknown {
  const error = whyNot(data);
  if (!error) return data;
  if (typeof data !== "object" || data === null) {
    onDropped(error);
    return {};
  }
  const left: Record<string, unknown> = {};
  for (const name of Object.keys(data)) {
    try {
      const value = (data as Record<string, unknown>)[name];
      serialize(value);
      left[name] = value;
    } catch (error) {
      onDropped(new Error(`${name}: ${(error as Error).message}`));
    }
  }
  return left;
}

function whyNot(data: unknown): Error | undefined {
  try {
    serialize(data);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
