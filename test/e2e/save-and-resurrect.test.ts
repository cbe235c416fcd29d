import { expect, test } from "vitest";
import { isServedAsCluster, refuses } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { OFFICIAL_CJS } from "../helpers/workers";

test("a saved app is back on its port after pm2 kill and pm2 resurrect", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("worker.js", OFFICIAL_CJS);
  await daemon.pm2("start", "worker.js", "-i", "2", "--port", String(port));
  const before = await daemon.ready(2);
  expect((await daemon.pm2("save")).code).toBe(0);
  await daemon.pm2("kill");
  expect(await refuses(port)).toBe(true);

  expect((await daemon.pm2("resurrect")).code).toBe(0);

  const after = await daemon.ready(2);
  expect(after.listener).toBe(before.listener);
  await isServedAsCluster(port);
});
