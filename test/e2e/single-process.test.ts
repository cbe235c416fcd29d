import { expect, test } from "vitest";
import { CHAT, isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { runsAsCluster } from "../helpers/single-process";
import { ecosystem } from "../helpers/workers";

const app = (port: number | string) => `
const { Server } = require("socket.io");
const io = new Server(${port});
${CHAT}`;

test("`new Server(port)` is a cluster with `sticky: true` in the ecosystem file", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("app.js", app(port));
  daemon.write(
    "ecosystem.config.js",
    ecosystem({ name: "app", script: "app.js", instances: 2, sticky: true }),
  );

  expect((await daemon.pm2("start", "ecosystem.config.js")).code).toBe(0);

  await daemon.ready(2);
  await isServedAsCluster(port);
});

test("`new Server(port)` is a cluster with --sticky on the command line", async () => {
  await runsAsCluster(app("PORT_OF_TEST"));
});

test("an ES module with `new Server(port)` is a cluster with --sticky", async () => {
  await runsAsCluster(
    `import { Server } from "socket.io"; const io = new Server(PORT_OF_TEST); ${CHAT}`,
    "app.mjs",
  );
});
