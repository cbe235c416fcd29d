import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { watchEmitters, watchModules } from "../../src/node-internals";

test("each class of emitters is told once, when its first instance has come to be an emitter and no more", () => {
  const holder = EventEmitter as unknown as { init: unknown };
  const { init } = holder;
  onTestFinished(() => {
    holder.init = init;
  });
  class Parent extends EventEmitter {
    made = true;
  }
  class Child extends Parent {}
  const told: object[] = [];
  watchEmitters((prototype) => {
    told.push(prototype);
    if (prototype === Child.prototype) Child.prototype.emit = () => false;
  });
  const [child] = [new Child(), new Child(), new Parent()];
  expect(told.filter((each) => [Child.prototype, Parent.prototype].includes(each as never))).toEqual([
    Child.prototype,
    Parent.prototype,
  ]);
  // What is changed then holds for the first instance, too.
  expect(child!.emit("anything")).toBe(false);
  expect(child!.made).toBe(true);
  expect(new EventEmitter().emit("anything")).toBe(false);
  expect(EventEmitter.call({} as never) as unknown).toBeUndefined();
});

test("a module is told before it runs, and require.cache works as ever", () => {
  const holder = Module as unknown as { _cache: object };
  const { _cache } = holder;
  const folder = mkdtempSync(join(tmpdir(), "watching-"));
  onTestFinished(() => {
    holder._cache = _cache;
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, "a.js");
  writeFileSync(file, "exports.seen = module.exports.before; exports.own = 1;");
  const told: string[] = [];
  watchModules((filename, module) => {
    told.push(filename);
    (module.exports as { before?: boolean }).before = true;
  });
  const require = createRequire(file);
  expect(require("./a.js")).toEqual({ before: true, seen: true, own: 1 });
  expect(told).toEqual([file]);
  expect(Object.keys(require.cache)).toContain(file);
  expect(require("./a.js")).toBe(require.cache[file]!.exports);
  delete require.cache[file];
  expect(file in require.cache).toBe(false);
  require("./a.js");
  expect(told).toEqual([file, file]);
  require.cache[file] = { exports: { mocked: true }, loaded: true } as never;
  expect(require("./a.js")).toEqual({ mocked: true, before: true });
});
