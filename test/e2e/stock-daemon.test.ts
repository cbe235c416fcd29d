import { join } from "node:path";
import { expect, test } from "vitest";
import { isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { OFFICIAL_CJS } from "../helpers/workers";

const REMEDY = /^.*was started by plain pm2.*run: pm2 update$/gm;

test("a daemon that plain pm2 started is noticed; pm2 update replaces it, and the apps are served", async () => {
  const port = await freePort();
  const daemon = new Daemon({ PM2_PORT: String(port) });
  const stock = join(daemon.installed, "node_modules/pm2-socket.io/node_modules/pm2/bin/pm2");
  daemon.write("worker.js", OFFICIAL_CJS);
  await daemon.run(stock, ["start", "worker.js", "-i", "2"]);
  const { pid } = daemon;

  // The command works, and says it in one line.
  const listed = await daemon.pm2("jlist");
  expect(JSON.parse(listed.stdout.trim().split("\n").at(-1)!)).toHaveLength(2);
  expect(listed.code).toBe(0);
  expect(listed.stderr.match(REMEDY)).toHaveLength(1);
  const sticky = await daemon.pm2("sticky");
  expect(sticky).toMatchObject({ code: 0, stdout: "No app with a sticky listener.\n" });
  expect(sticky.stderr.match(REMEDY)).toHaveLength(1);

  const update = await daemon.pm2("update");
  expect(update.code).toBe(0);
  expect(update.stderr).not.toMatch(REMEDY);

  await daemon.ready(2);
  expect(daemon.pid).not.toBe(pid);
  await isServedAsCluster(port);
  expect((await daemon.pm2("jlist")).stderr).not.toMatch(REMEDY);
});
