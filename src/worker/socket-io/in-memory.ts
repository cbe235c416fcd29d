// SPDX-License-Identifier: MIT

/** The methods that Socket.IO's adapter with recovery adds to the one without. */
const OF_SESSION_AWARE = new Set(["constructor", "persistSession", "restoreSession", "broadcast"]);

/** A text in the in-memory adapter, about what it cannot do. A bundler leaves it as it is. */
const UNSUPPORTED = "does not support the serverSideEmit()";

/**
 * Whether this is one of the two adapters that come with Socket.IO, which know the clients of one process
 * only. They are recognised by what is in them and not by their names, which a bundler may have changed. An
 * adapter that the app has derived from them is the app's own, and is not one of them.
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

/** Whether it is this very class, and not a parent of it, that refuses to emit to other servers. */
function refuses(prototype: object | null): boolean {
  if (prototype === null || !Object.hasOwn(prototype, "serverSideEmit")) return false;
  return String((prototype as { serverSideEmit?: unknown }).serverSideEmit).includes(UNSUPPORTED);
}
