/**
 * Says, from vitest's JSON reports, how many tests passed and failed in all runs together. Exits with 1 if one failed or
 * was skipped, or if none ran in one of the runs: CI skips nothing.
 *
 *     node scripts/count-tests.js node-20.json node-24.json
 */
const { readFileSync } = require("node:fs");
const { basename } = require("node:path");

const total = { passed: 0, failed: 0, skipped: 0 };
let empty = false;

for (const file of process.argv.slice(2)) {
  const { passed, failed, skipped } = count(file);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  empty ||= passed === 0;
}

const { passed, failed, skipped } = total;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
if (failed > 0 || skipped > 0 || passed === 0 || empty) process.exitCode = 1;

/** Counts one report, and names what did not pass. */
function count(file) {
  const run = basename(file, ".json");
  const report = read(file);
  if (!report) {
    // Counts as a test that failed, so that the last line does not look well.
    console.log(`${run}: no report`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  // A file that cannot be loaded has no tests that could fail; it counts as one that did.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  for (const { name, message } of broken) console.log(`${run}: could not be run: ${name}: ${message}`);
  for (const { assertionResults } of report.testResults) {
    for (const { status, fullName } of assertionResults) {
      if (status !== "passed") console.log(`${run}: ${status}: ${fullName.trim()}`);
    }
  }
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** The report, unless its run ended before it was written. */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
