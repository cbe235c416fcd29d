import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { folderWith } from "../helpers/users-folder";
import { ecosystem, OFFICIAL_CJS } from "../helpers/workers";

test("a worker that is one bundle with the official packages is served and relayed", async () => {
  const daemon = new Daemon();
  const folder = folderWith();
  const port = await freePort();
  const { build } = await import("rolldown"); // which vitest brings along
  await build({
    input: daemon.write("worker.js", OFFICIAL_CJS),
    platform: "node",
    // Optional native parts of ws.
    external: ["bufferutil", "utf-8-validate"],
    output: { file: join(folder, "bundle.js"), format: "cjs" },
    logLevel: "silent",
  });
  expect(() => createRequire(join(folder, "bundle.js")).resolve("socket.io")).toThrow("Cannot find module");
  const config = daemon.write(
    join(folder, "ecosystem.config.js"),
    ecosystem({ script: "bundle.js", cwd: folder, instances: 2, exec_mode: "cluster", sticky: { port } }),
  );

  expect((await daemon.pm2("start", config)).code).toBe(0);

  await daemon.ready(2);
  await isServedAsCluster(port);
  expect(daemon.log).toContain("STICKY_IPC_LEGACY");
});
