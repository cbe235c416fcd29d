import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "../helpers/build";

const run = promisify(execFile);
const MODULES = join(ROOT, "node_modules");

/** A user's project with this release of Socket.IO; what else it needs comes from here. */
async function project(version: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pm2sio-types-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "users-app", private: true }));
  const packages = [`socket.io@${version}`, "@types/node@20"];
  await run("npm", ["install", "--silent", "--no-audit", "--no-fund", ...packages], { cwd: folder });
  const installed = join(folder, "node_modules/pm2-socket.io");
  mkdirSync(installed);
  cpSync(join(ROOT, "package.json"), join(installed, "package.json"));
  cpSync(join(ROOT, "lib"), join(installed, "lib"), { recursive: true });
  mkdirSync(join(installed, "node_modules"));
  symlinkSync(join(MODULES, "socket.io-adapter"), join(installed, "node_modules/socket.io-adapter"));
  cpSync(join(ROOT, "test/types/app.ts"), join(folder, "app.ts"));
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "es2022",
    module: "node16",
    moduleResolution: "node16",
    types: ["node"],
    // Socket.IO's own declarations are not ours to check, and ours are checked by our own build.
    skipLibCheck: true,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["app.ts"] }));
  return folder;
}

test.each(["4.6", "4.7", "4.8"])("a worker and a primary compile against socket.io %s", async (version) => {
  const folder = await project(version);
  const compiled = run(process.execPath, [join(MODULES, "typescript/bin/tsc"), "-p", folder]);
  const { stdout } = await compiled.catch(({ stdout }) => ({ stdout }));
  expect(stdout).toBe("");
});
