import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "../helpers/build";

interface Outcome {
  passed?: number;
  failed?: number;
  skipped?: number;
  /** Files that could not be loaded. */
  broken?: number;
}

/** Runs the script on a report like vitest's for each run; a run without an outcome has written none. */
function count(...runs: (Outcome | undefined)[]) {
  const folder = mkdtempSync(join(tmpdir(), "pm2sio-report-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = runs.map((outcome, i) => {
    const file = join(folder, `run-${i}.json`);
    if (outcome) writeFileSync(file, JSON.stringify(report(outcome)));
    return file;
  });
  const args = [join(ROOT, "scripts/count-tests.js"), ...files];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return [stdout.trim().split("\n").at(-1), status];
}

function report({ passed = 0, failed = 0, skipped = 0, broken = 0 }: Outcome) {
  return {
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: skipped,
    numTodoTests: 0,
    testResults: Array.from({ length: broken }, () => ({
      name: "x.test.ts",
      status: "failed",
      message: "",
      assertionResults: [],
    })),
  };
}

test("CI's last line says how many tests passed and failed, and it fails if one did, was skipped, or none ran", () => {
  expect(count({ passed: 3 })).toEqual(["3 passed, 0 failed", 0]);
  expect(count({ passed: 3, failed: 1 })).toEqual(["3 passed, 1 failed", 1]);
  expect(count({ passed: 3, broken: 1 })).toEqual(["3 passed, 1 failed", 1]);
  expect(count({ passed: 3, skipped: 2 })).toEqual(["3 passed, 0 failed, 2 skipped", 1]);
  expect(count({})).toEqual(["0 passed, 0 failed", 1]);
});

test("it says so for all runs together, and fails if one of them ran nothing or did not come to its end", () => {
  expect(count({ passed: 3 }, { passed: 2 })).toEqual(["5 passed, 0 failed", 0]);
  expect(count({ passed: 3, failed: 1 }, { passed: 2, skipped: 1 })).toEqual([
    "5 passed, 1 failed, 1 skipped",
    1,
  ]);
  expect(count({ passed: 3 }, {})).toEqual(["3 passed, 0 failed", 1]);
  expect(count({ passed: 3 }, undefined)).toEqual(["3 passed, 1 failed", 1]);
  expect(count()).toEqual(["0 passed, 0 failed", 1]);
});
