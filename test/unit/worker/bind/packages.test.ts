import { expect, test } from "vitest";
import { packageOf, replaceExports, replaceFutureExports } from "../../../../src/worker/bind/packages";

test.each([
  ["@socket.io/sticky", "sticky"],
  ["/app/node_modules/@socket.io/sticky/index.js", "sticky"],
  ["/app/node_modules/.pnpm/@socket.io+sticky@2.0.1/node_modules/@socket.io/sticky/index.js", "sticky"],
  ["pm2-socket.io/sticky", "sticky"],
  ["/app/node_modules/pm2-socket.io/lib/sticky.js", "sticky"],
  ["@socket.io/cluster-adapter", "cluster-adapter"],
  [
    "/app/.yarn/cache/@socket.io-cluster-adapter-npm-0.3.0-1.zip/node_modules/@socket.io/cluster-adapter/dist/index.js",
    "cluster-adapter",
  ],
  ["C:\\app\\node_modules\\@socket.io\\cluster-adapter\\dist\\index.js", "cluster-adapter"],
  ["/app/node_modules/pm2-socket.io/lib/cluster-adapter.js", "cluster-adapter"],
  ["socket.io", "socket.io"],
  ["/app/node_modules/socket.io/dist/index.js", "socket.io"],
  ["engine.io", "engine.io"],
  ["/app/node_modules/engine.io/build/engine.io.js", "engine.io"],
  ["uWebSockets.js", "uWebSockets.js"],
  ["/app/node_modules/uWebSockets.js/uws.js", "uWebSockets.js"],
])("%s is the package %s", (request, name) => {
  expect(packageOf(request)).toBe(name);
});

test.each([
  "http",
  "./socket.io/handlers.js",
  "socket.io-client",
  "/app/node_modules/socket.io-client/build/cjs/index.js",
  "/app/node_modules/socket.io/dist/namespace.js",
  "@socket.io/redis-adapter",
  "/app/node_modules/engine.io-parser/build/cjs/index.js",
  "/app/lib/mysocket.io",
])("%s is none of them", (request) => {
  expect(packageOf(request)).toBeUndefined();
});

const replacements = { setupWorker: () => "ours" };

test("exports of a loaded module are replaced in place, and only those that are there", () => {
  const exports = { setupWorker: "theirs", other: 1 };
  replaceExports(exports, { ...replacements, createAdapter: () => "ours" });
  expect(exports).toEqual({ setupWorker: "ours", other: 1 });
  for (const odd of [undefined, null, 1, "text"])
    expect(() => replaceExports(odd, replacements)).not.toThrow();
});

test("what a module made read-only stays as it is", () => {
  const exports = Object.freeze({ setupWorker: "theirs" });
  replaceExports(exports, replacements);
  expect(exports).toEqual({ setupWorker: "theirs" });
});

test("a module that has not run yet may assign its exports one by one", () => {
  const loaded = { exports: {} as Record<string, unknown> };
  replaceFutureExports(loaded, replacements);
  loaded.exports.setupWorker = undefined;
  loaded.exports.setupWorker = "theirs";
  loaded.exports.other = 1;
  expect({ ...loaded.exports }).toEqual({ setupWorker: "ours", other: 1 });
});

test("or as one object", () => {
  const loaded = { exports: {} as Record<string, unknown> };
  replaceFutureExports(loaded, replacements);
  loaded.exports = { setupWorker: "theirs", other: 1 };
  expect(loaded.exports).toEqual({ setupWorker: "ours", other: 1 });
});

test("a replacement is not made before somebody asks for it", () => {
  const loaded = { exports: {} as Record<string, unknown> };
  let made = 0;
  replaceFutureExports(loaded, { createAdapter: () => ++made });
  loaded.exports.createAdapter = "theirs";
  expect(made).toBe(0);
});
