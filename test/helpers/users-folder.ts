import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A temporary folder with packages of its own, outside of the one that our package is installed in. */
export function folderWith(...packages: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "pm2sio-users-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "users-app", private: true }));
  if (packages.length > 0) {
    const args = ["install", "--silent", "--no-audit", "--no-fund", "--legacy-peer-deps", ...packages];
    execFileSync("npm", args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  }
  return folder;
}
