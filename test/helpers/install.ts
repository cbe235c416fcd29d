import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node" with { "resolution-mode": "import" };
import { ROOT } from "./build";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder in which the packed tarball is installed, as a user would, beside what a user's app needs. */
    installed: string;
  }
}

const USERS_PACKAGES = [
  "socket.io@4.8",
  "socket.io-client@4.8",
  "@socket.io/sticky@2",
  "@socket.io/cluster-adapter@0.3",
  "express@5",
];

export default function install(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "pm2sio-installed-"));
  // Builds, too.
  const tarball = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
    cwd: ROOT,
    encoding: "utf8",
  }).trim();
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "users-app", private: true }));
  const args = ["install", "--silent", "--no-audit", "--no-fund", join(folder, tarball), ...USERS_PACKAGES];
  execFileSync("npm", args, { cwd: folder, stdio: "inherit" });
  project.provide("installed", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
