import { expect, test } from "vitest";

interface Checker {
  MAY_IMPORT: Record<string, string[]>;
  wrongImports(file: string, text: string): string[];
}
const { MAY_IMPORT, wrongImports } = require("../../scripts/check-imports") as Checker;

const folders = Object.keys(MAY_IMPORT);

test("a folder names only folders that stand before it, so that no two import each other", () => {
  for (const [i, folder] of folders.entries()) {
    const below = folders.slice(0, i);
    for (const named of MAY_IMPORT[folder]!) {
      expect(named.endsWith("/*") || below.includes(named), `${folder} names ${named}`).toBe(true);
    }
  }
});

test.each([
  ["a layer above", "src/protocol/codec.ts", 'import { App } from "../primary/app";', "Layers"],
  ["the other end", "src/worker/http/router.ts", 'import type { App } from "../../primary/app";', "Layers"],
  ["PM2's side", "src/primary/app.ts", 'export * from "../pm2/reload";', "Layers"],
  [
    "a folder that imports it",
    "src/worker/http/router.ts",
    'import { a } from "../handover/drain";',
    "Folders",
  ],
  ["what assembles it", "src/primary/packets/relay.ts", 'const { App } = require("../app");', "Folders"],
  ["a type in passing", "src/primary/packets/relay.ts", 'let a: typeof import("../app");', "Folders"],
  ["a folder from a file for all", "src/log.ts", 'import { App } from "./primary/app";', "Layers"],
  ["PM2 itself", "src/worker/bind/autoload.ts", 'const pm2 = require("pm2/lib/God.js");', "Licence"],
  ["anything, from a folder that is not known", "src/more/a.ts", "", "Folders"],
])("%s is a wrong import, and the rule is named", (_, file, text, rule) => {
  expect(wrongImports(file, text)).toHaveLength(1);
  expect(wrongImports(file, text)[0]).toContain(`: ${rule}: `);
});

test("what lies below, beside and for all is no wrong import", () => {
  const text =
    'import "../../protocol/codec"; import "./drain"; import "../http/router"; import "../../log"; import "pm2x";';
  expect(wrongImports("src/worker/handover/adopt.ts", text)).toEqual([]);
});
