// SPDX-License-Identifier: MIT
import type { CommonJsModule } from "../../node-internals";

/**
 * The packages that matter in a worker. They are recognised by the name or the file name under which they are
 * loaded.
 */
export type Package = "sticky" | "cluster-adapter" | "socket.io" | "engine.io" | "uWebSockets.js";

/**
 * Only the end of a file name matters. So it makes no difference whether a package lies in `node_modules`, in
 * pnpm's store or in a zip file of Yarn's.
 */
const NAMES: [Package, RegExp][] = [
  ["sticky", fileOf("(?:@socket\\.io/sticky|pm2-socket\\.io/(?:lib/)?sticky)(?:/(?:dist/)?index)?")],
  [
    "cluster-adapter",
    fileOf("(?:@socket\\.io/cluster-adapter|pm2-socket\\.io/(?:lib/)?cluster-adapter)(?:/(?:dist/)?index)?"),
  ],
  ["socket.io", fileOf("socket\\.io(?:/dist/index)?")],
  ["engine.io", fileOf("engine\\.io(?:/build/engine\\.io)?")],
  ["uWebSockets.js", fileOf("uWebSockets\\.js(?:/uws)?")],
];
/**
 * Most modules of an app have nothing like this in their names, and need not be compared with every pattern
 * above.
 */
const ANY = /socket/i;

function fileOf(pattern: string): RegExp {
  return new RegExp(`(?:^|[\\\\/])${pattern.replaceAll("/", "[\\\\/]")}(?:\\.c?js)?$`);
}

/** The package whose main file is loaded under this name or file name, if it is one of those above. */
export function packageOf(request: string): Package | undefined {
  if (!ANY.test(request) && !request.includes("engine.io")) return undefined;
  return NAMES.find(([, pattern]) => pattern.test(request))?.[0];
}

/**
 * What takes the place of exports, by their names. Each is made only when it is asked for, because most
 * workers need none.
 */
export type Replacements = Record<string, () => unknown>;

/**
 * Replaces exports of a module that has run. The exports object itself is changed: others may hold the same
 * object, and an ES import copies from it when the module has run.
 */
export function replaceExports(exports: unknown, replacements: Replacements): void {
  if ((typeof exports !== "object" && typeof exports !== "function") || exports === null) return;
  const target = exports as Record<string, unknown>;
  for (const [name, replacement] of Object.entries(replacements)) {
    if (!(name in target)) continue;
    try {
      target[name] = replacement();
    } catch {
      // The module has made this export read-only.
    }
  }
}

/**
 * Replaces exports of a module that has not run yet. When it runs, it may assign its exports one by one, or
 * assign a new object to `module.exports`; both are provided for.
 */
export function replaceFutureExports(module: CommonJsModule, replacements: Replacements): void {
  let { exports } = module;
  // Not a module as Node makes it: somebody has put one of his own into the module cache. It stays as it is.
  if (typeof exports !== "object" || exports === null || !Object.isExtensible(exports)) return;
  if (Object.getOwnPropertyDescriptor(module, "exports")?.configurable !== true) return;
  for (const [name, replacement] of Object.entries(replacements)) {
    Object.defineProperty(exports, name, {
      enumerable: true,
      configurable: true,
      get: replacement,
      // The module assigns its own export here, which is dropped.
      set: () => {},
    });
  }
  Object.defineProperty(module, "exports", {
    enumerable: true,
    configurable: true,
    get: () => exports,
    set: (assigned) => {
      exports = assigned;
      replaceExports(assigned, replacements);
    },
  });
}
