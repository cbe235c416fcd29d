import { cpus } from "node:os";
import { expect, test } from "vitest";
import { isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { OFFICIAL_CJS } from "../helpers/workers";

test.each(["max", "0"])("-i %s starts as many workers as there are processors", async (instances) => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("worker.js", OFFICIAL_CJS);
  await daemon.pm2("start", "worker.js", "-i", instances, "--port", String(port));
  const { workers } = await daemon.ready(cpus().length);
  expect(workers.map(({ slot }) => slot)).toEqual(cpus().map((_, slot) => slot));
  await isServedAsCluster(port, Math.min(4, cpus().length));
});
