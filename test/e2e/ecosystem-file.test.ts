import { expect, test } from "vitest";
import { isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { ecosystem, OFFICIAL_CJS } from "../helpers/workers";

test("an ecosystem file that was written for @socket.io/pm2 is served as it is", async () => {
  const port = await freePort();
  // Where such a file says nothing about a port, the daemon's environment does.
  const daemon = new Daemon({ PM2_PORT: String(port) });
  daemon.write("worker.js", OFFICIAL_CJS);
  daemon.write(
    "ecosystem.config.js",
    ecosystem({ name: "chat", script: "worker.js", instances: "2", exec_mode: "cluster" }),
  );

  expect((await daemon.pm2("start", "ecosystem.config.js")).code).toBe(0);

  await daemon.ready(2, "chat");
  await isServedAsCluster(port);
});
