// SPDX-License-Identifier: MIT
import type { CommonJsModule } from "../../node-internals";

/**
 * The packages that a worker may load, told by the name or the file name under which it loads them, and what takes the
 * place of their exports.
 */
export type Package = "sticky" | "cluster-adapter" | "socket.io" | "engine.io" | "uWebSockets.js";

/** Whether the path goes through a folder of node_modules, pnpm's store or a zip file of Yarn's makes no difference. */
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
/** All of them have it in their names; most modules of an app have not, and are told apart here. */
const ANY = /socket/i;

function fileOf(pattern: string): RegExp {
  return new RegExp(`(?:^|[\\\\/])${pattern.replaceAll("/", "[\\\\/]")}(?:\\.c?js)?$`);
}

/** The package whose main file is loaded by this request or file name, if it is one of those above. */
export function packageOf(request: string): Package | undefined {
  if (!ANY.test(request) && !request.includes("engine.io")) return undefined;
  return NAMES.find(([, pattern]) => pattern.test(request))?.[0];
}

/** What replaces exports, by their names. Each is made when it is asked for: most workers need none of it. */
export type Replacements = Record<string, () => unknown>;

/**
 * Replaces exports of a module that has been loaded. They are changed in place, because an ES import copies them when
 * the module has run, and because others may hold the same object.
 */
export function replaceExports(exports: unknown, replacements: Replacements): void {
  if ((typeof exports !== "object" && typeof exports !== "function") || exports === null) return;
  const target = exports as Record<string, unknown>;
  for (const [name, replacement] of Object.entries(replacements)) {
    if (!(name in target)) continue;
    try {
      target[name] = replacement();
    } catch {
      // The module made it read-only: it stays as it is.
    }
  }
}

/**
 * Replaces exports of a module that has not run yet. It may assign them one by one, or assign an object of them to
 * `module.exports`: both end up here.
 */
export function replaceFutureExports(module: CommonJsModule, replacements: Replacements): void {
  let { exports } = module;
  // Somebody has put a module of his own there, instead of Node.
  if (typeof exports !== "object" || exports === null || !Object.isExtensible(exports)) return;
  if (Object.getOwnPropertyDescriptor(module, "exports")?.configurable !== true) return;
  for (const [name, replacement] of Object.entries(replacements)) {
    Object.defineProperty(exports, name, {
      enumerable: true,
      configurable: true,
      get: replacement,
      // The module's own is forgotten.
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
