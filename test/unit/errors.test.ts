import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describe as describeError, ERRORS, type ErrorCode, StickyError } from "../../src/errors";

const CODES = Object.keys(ERRORS) as ErrorCode[];

test("the README's table lists every error code, and no other", () => {
  const readme = readFileSync(join(__dirname, "../../README.md"), "utf8");
  const documented = [...readme.matchAll(/^\| `(STICKY_\w+)` \|/gm)].map(([, code]) => code);
  expect(documented.sort()).toEqual([...CODES].sort());
});

test.each(CODES)("%s says what failed, what to do and its code", (code) => {
  const line = describeError(code, "A", "B", "C");
  expect(line).toContain(`[${code}]`);
  const remedy = ERRORS[code].remedy.replace("%s", "C");
  expect(line).toContain(remedy);
  expect(line).not.toContain("%s");
  const error = { code, message: line, name: "StickyError", remedy };
  expect(new StickyError(code, "A", "B", "C")).toMatchObject(error);
});

test("values are filled in as they are, in order", () => {
  expect(describeError("STICKY_PORT", "my $& app", "port 80", "%s")).toMatch(
    /^app "my \$& app" cannot listen on port 80: %s \[STICKY_PORT\]/,
  );
});
