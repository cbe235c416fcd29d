import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { folderWith } from "../helpers/users-folder";
import { OFFICIAL_CJS, OFFICIAL_ESM } from "../helpers/workers";

test.each([
  ["0.1.0", "1.0.4"],
  ["0.2.2", "1.0.4"],
])(
  "a worker with @socket.io/cluster-adapter %s and @socket.io/sticky %s runs unchanged",
  async (adapter, sticky) => {
    const folder = folderWith(
      `@socket.io/cluster-adapter@${adapter}`,
      `@socket.io/sticky@${sticky}`,
      "socket.io@4.8",
    );
    const daemon = new Daemon();
    for (const [file, source] of [
      ["worker.js", OFFICIAL_CJS],
      ["worker.mjs", OFFICIAL_ESM],
    ] as const) {
      const port = await freePort();
      writeFileSync(join(folder, file), source);
      const started = await daemon.pm2(
        "start",
        join(folder, file),
        "-n",
        file,
        "-i",
        "2",
        "--port",
        String(port),
      );
      expect(started.code).toBe(0);
      await daemon.ready(2, file);
      await isServedAsCluster(port);
    }
    // Its own copies of the official packages would serve it too, but not as well.
    expect(daemon.log).not.toContain("STICKY_IPC_LEGACY");
  },
);
