import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { OFFICIAL_ESM } from "../helpers/workers";

test.each(["worker.mjs", "esm/worker.js"])("an ES module worker (%s) runs unchanged", async (file) => {
  const daemon = new Daemon();
  const port = await freePort();
  mkdirSync(join(daemon.folder, "esm"));
  writeFileSync(join(daemon.folder, "esm/package.json"), '{ "type": "module" }');
  daemon.write(file, OFFICIAL_ESM);

  await daemon.pm2("start", file, "-i", "2", "--port", String(port));

  await daemon.ready(2);
  await isServedAsCluster(port);
  // Its own copies of the official packages would serve it too, but not as well.
  expect(daemon.log).not.toContain("STICKY_IPC_LEGACY");
});
