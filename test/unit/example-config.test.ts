import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkStickyOptions } from "../../src/config";

const FILE = join(__dirname, "../../ecosystem.config.example.js");

test("the example configuration shows every option of `sticky`, and all of them are valid", () => {
  const { apps } = require(FILE);
  expect(checkStickyOptions(apps[0].sticky)).toEqual([]);
  const [complaint] = checkStickyOptions({ nonsense: 1 });
  const options = /takes (.*)$/.exec(complaint!)![1]!.split(", ");
  expect(options).toContain("queueTimeout");
  const source = readFileSync(FILE, "utf8");
  for (const option of options) expect(source).toMatch(new RegExp(`^\\s+(// )?${option}: `, "m"));
});
