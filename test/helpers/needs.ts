import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { TestContext } from "vitest";

/** Where Debian puts daemons; not in everybody's PATH. */
const MORE_FOLDERS = ["/usr/sbin", "/usr/local/sbin"];

/**
 * The path of a program that a test needs and npm does not bring. Where it is not installed the test is skipped, with a
 * word that says so; in CI it fails, because there nothing may be skipped.
 */
export function needs(context: Pick<TestContext, "skip">, program: string, env = process.env): string {
  const found = (env.PATH ?? "")
    .split(delimiter)
    .concat(MORE_FOLDERS)
    .map((folder) => join(folder, program))
    .find(isExecutable);
  if (found) return found;
  const word = `${program} is not installed: this test needs it (on Debian: apt-get install ${program})`;
  if (env.CI === "true") throw new Error(word);
  return context.skip(word);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
