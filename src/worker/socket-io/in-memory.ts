// SPDX-License-Identifier: MIT

/** What Socket.IO's adapter that recovers sessions adds to its parent. */
const OF_SESSION_AWARE = new Set(["constructor", "persistSession", "restoreSession", "broadcast"]);

/** What the in-memory adapter says of what it cannot do; a bundler leaves the text as it is. */
const UNSUPPORTED = "does not support the serverSideEmit()";

/**
 * Whether this is one of the two adapters that come with Socket.IO, which know the clients of one process only. They are
 * told by what they consist of and not by their names: a bundler may have given them others. An adapter that an app
 * derives from them is its own.
 */
export function isInMemoryAdapter(adapter: unknown): boolean {
  const prototype = prototypeOf(adapter);
  if (!prototype) return false;
  if (refuses(prototype)) return true;
  const parent = Object.getPrototypeOf(prototype);
  const own = Object.getOwnPropertyNames(prototype);
  return (
    refuses(parent) && own.length === OF_SESSION_AWARE.size && own.every((name) => OF_SESSION_AWARE.has(name))
  );
}

function prototypeOf(adapter: unknown): object | undefined {
  if (typeof adapter !== "function") return undefined;
  return (adapter as { prototype?: object }).prototype;
}

/** Whether this very class, and not a parent of it, is the one that refuses to emit to other servers. */
function refuses(prototype: object | null): boolean {
  if (prototype === null || !Object.hasOwn(prototype, "serverSideEmit")) return false;
  return String((prototype as { serverSideEmit?: unknown }).serverSideEmit).includes(UNSUPPORTED);
}
