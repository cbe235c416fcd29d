import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isServedAsCluster, refuses } from "../helpers/app-clients";
import { Daemon, freePort, processesOf, until } from "../helpers/daemon";
import { ecosystem, OFFICIAL_CJS } from "../helpers/workers";

test.each([
  ["pm2-runtime", ["start", "ecosystem.config.js"]],
  ["pm2-docker", ["start", "ecosystem.config.js"]],
  ["pm2", ["start", "ecosystem.config.js", "--no-daemon"]],
])("%s serves the app in its own process, and SIGINT ends everything", async (command, args) => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("worker.js", OFFICIAL_CJS);
  daemon.write(
    "ecosystem.config.js",
    ecosystem({ script: "worker.js", instances: 2, exec_mode: "cluster", port }),
  );

  const runtime = daemon.spawn(join(daemon.installed, "node_modules/.bin", command), args);
  runtime.stdout?.resume();
  runtime.stderr?.resume();

  await daemon.ready(2);
  await isServedAsCluster(port);
  expect(daemon.pid).toBe(runtime.pid);

  runtime.kill("SIGINT");
  await once(runtime, "exit");
  await until(() => (processesOf(daemon.home).length === 0 ? true : undefined), "the workers to end");
  expect(await refuses(port)).toBe(true);
});
