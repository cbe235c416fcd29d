import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const ROOT = join(__dirname, "../..");
const BIOME = join(ROOT, "node_modules/@biomejs/biome/bin/biome");

/** Whether the project's linter finds a timer or clock in this code that is not the one passed in. */
function isFound(code: string, folder: string): boolean {
  const copy = mkdtempSync(join(tmpdir(), "own-timers-"));
  onTestFinished(() => rmSync(copy, { recursive: true }));
  for (const file of ["biome.json", "scripts/own-timers.grit"]) cpSync(join(ROOT, file), join(copy, file));
  mkdirSync(join(copy, folder), { recursive: true });
  writeFileSync(join(copy, folder, "a.ts"), code);
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIOME, "lint", folder], {
    cwd: copy,
    encoding: "utf8",
  });
  const found = (stdout + stderr).includes("Timers: use the clock");
  expect(status === 0 || found, stdout + stderr).toBe(true);
  return found;
}

const WRONG = [
  "setTimeout(() => {}, 1);",
  "const later = setImmediate;\nlater(() => {});",
  "globalThis.setInterval(() => {}, 1);",
  "export const now = () => Date.now();",
  'import { setTimeout as wait } from "node:timers/promises";\nwait(1);',
];

test.each(WRONG)("the linter finds %j where the clock is passed in", (code) => {
  for (const folder of ["src/primary/packets", "src/worker/link", "src/pm2"]) {
    expect(isFound(code, folder)).toBe(true);
  }
});

test("but nowhere else, and no method of that name", () => {
  expect(isFound(WRONG[0]!, "test/unit")).toBe(false);
  const code = 'import type { Socket } from "node:net";\nexport const stop = (s: Socket) => s.setTimeout(0);';
  expect(isFound(code, "src/primary/packets")).toBe(false);
});
