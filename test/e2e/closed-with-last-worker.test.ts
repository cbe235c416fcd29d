import { expect, test } from "vitest";
import { fetchPlain, refuses } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { ecosystem, OFFICIAL_CJS } from "../helpers/workers";

test("a port is closed while its app is stopped, or has failed, and when its last worker is deleted", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("worker.js", OFFICIAL_CJS);
  daemon.write(
    "ecosystem.config.js",
    ecosystem({
      name: "chat",
      script: "worker.js",
      instances: 2,
      exec_mode: "cluster",
      sticky: { port, queueTimeout: 100 },
    }),
  );
  await daemon.pm2("start", "ecosystem.config.js");
  await daemon.ready(2);

  await daemon.pm2("stop", "chat");
  expect(await refuses(port)).toBe(true);
  expect(await daemon.sticky()).toEqual([]);

  await daemon.pm2("restart", "chat");
  await daemon.ready(2);
  expect(await fetchPlain(port)).toMatchObject({ status: 200 });

  await daemon.pm2("delete", "0");
  expect(await fetchPlain(port)).toMatchObject({ status: 200 });
  await daemon.pm2("delete", "1");
  expect(await refuses(port)).toBe(true);
  expect(await daemon.sticky()).toEqual([]);
});
