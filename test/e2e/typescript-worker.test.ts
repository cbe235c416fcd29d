import { join } from "node:path";
import { expect, test } from "vitest";
import { CHAT, isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { folderWith } from "../helpers/users-folder";
import { ecosystem } from "../helpers/workers";

const WORKER = `
import { createServer, type Server as HttpServer } from "node:http";
import { Server, type Socket } from "socket.io";
import { setupWorker } from "@socket.io/sticky";
import { createAdapter } from "@socket.io/cluster-adapter";
const server: HttpServer = createServer();
const io: Server = new Server(server);
io.adapter(createAdapter());
setupWorker(io);
const sockets = new Set<Socket>();
${CHAT}`;

test("a TypeScript worker runs unchanged, with the loader that the user starts it with", async () => {
  const folder = folderWith(
    "tsx@4",
    "socket.io@4.8",
    "@socket.io/sticky@2",
    "@socket.io/cluster-adapter@0.3",
  );
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write(join(folder, "worker.ts"), WORKER);
  const app = {
    script: "worker.ts",
    cwd: folder,
    instances: 2,
    exec_mode: "cluster",
    node_args: `--import ${folder}/node_modules/tsx/dist/loader.mjs`,
    port,
  };
  const config = daemon.write(
    join(folder, "ecosystem.config.js"),
    ecosystem({ ...app, interpreter: "node" }),
  );

  const started = await daemon.pm2("start", config);

  expect(started, started.stderr).toMatchObject({ code: 0 });
  await daemon.ready(2);
  await isServedAsCluster(port);
  expect(daemon.log).not.toContain("STICKY_IPC_LEGACY");
});
