/**
 * Says, from vitest's JSON report, how many tests passed and failed. Exits with 1 if one failed or was skipped, or if
 * none ran: CI skips nothing.
 */
const { readFileSync } = require("node:fs");

const report = JSON.parse(readFileSync(process.argv[2], "utf8"));
// A file that cannot be loaded has no tests that could fail; it counts as one that did.
const broken = report.testResults.filter(
  ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
);
const failed = report.numFailedTests + broken.length;
const skipped = report.numPendingTests + report.numTodoTests;
const passed = report.numPassedTests;

for (const { name, message } of broken) console.log(`could not be run: ${name}: ${message}`);
for (const { assertionResults } of report.testResults) {
  for (const { status, fullName } of assertionResults) {
    if (status !== "passed") console.log(`${status}: ${fullName.trim()}`);
  }
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
if (failed > 0 || skipped > 0 || passed === 0) process.exitCode = 1;
