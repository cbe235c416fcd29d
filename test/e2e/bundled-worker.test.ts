import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CHAT, client, isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";
import { errorLines } from "../helpers/error-log";
import { folderWith } from "../helpers/users-folder";
import { ecosystem, OFFICIAL_CJS } from "../helpers/workers";

const OFFICIAL = ["@socket.io/sticky", "@socket.io/cluster-adapter"];
const SINGLE = `
const { createServer } = require("http");
const { Server } = require("socket.io");
const server = createServer();
const io = new Server(server);
server.listen(process.env.PORT);
${CHAT}`;
/** `setupWorker` with the in-memory adapter: enough for clients of one worker. */
const STICKY_ALONE = OFFICIAL_CJS.replace(/.*cluster-adapter.*\n|.*createAdapter.*\n/g, "");

/** What a user installs who leaves a package out of the bundle. */
const INSTALLED: Record<string, string[]> = {
  "socket.io": ["socket.io@4.8"],
  "@socket.io/sticky": ["@socket.io/sticky@2"],
  "@socket.io/cluster-adapter": ["@socket.io/cluster-adapter@0.3", "socket.io-adapter@2"],
};

interface Bundle {
  source?: string;
  /** What is left out of the bundle, and is installed beside it. */
  external?: string[];
  sticky?: true;
  minify?: boolean;
}

/** Starts two workers of a bundle. */
async function startBundle({ source = OFFICIAL_CJS, external = [], sticky, minify = false }: Bundle = {}) {
  const daemon = new Daemon();
  const folder = folderWith(...external.flatMap((name) => INSTALLED[name]!));
  const port = await freePort();
  const { build } = await import("rolldown"); // which vitest brings along
  await build({
    input: daemon.write("worker.js", source),
    platform: "node",
    // Optional native parts of ws.
    external: ["bufferutil", "utf-8-validate", ...external],
    output: { file: join(folder, "bundle.js"), format: "cjs", minify },
    logLevel: "silent",
  });
  const { resolve } = createRequire(join(folder, "bundle.js"));
  for (const name of ["socket.io", ...OFFICIAL]) {
    if (!external.includes(name)) expect(() => resolve(name)).toThrow("Cannot find module");
  }
  const app = { script: "bundle.js", cwd: folder, instances: 2, exec_mode: "cluster", env: { PORT: port } };
  const config = daemon.write(join(folder, "ecosystem.config.js"), ecosystem({ ...app, sticky }));
  expect((await daemon.pm2("start", config)).code).toBe(0);
  return { daemon, port };
}

test.each<[string, Bundle]>([
  ["socket.io, with sticky", { source: SINGLE, sticky: true }],
  ["socket.io, minified, with sticky", { source: SINGLE, sticky: true, minify: true }],
  ["everything, with sticky", { sticky: true }],
  ["everything, minified, with sticky", { sticky: true, minify: true }],
  ["everything but the adapter, with sticky", { external: ["@socket.io/cluster-adapter"], sticky: true }],
  ["everything but the adapter", { external: ["@socket.io/cluster-adapter"] }],
  ["everything but setupWorker, with sticky", { external: ["@socket.io/sticky"], sticky: true }],
  ["everything but setupWorker", { external: ["@socket.io/sticky"] }],
  ["both official packages", { external: ["socket.io"] }],
])("a worker is served as a cluster whose bundle contains %s", async (_, bundle) => {
  const { daemon, port } = await startBundle(bundle);
  await daemon.ready(2);
  await isServedAsCluster(port);
});

test("a worker that is one bundle with the official packages is served and relayed, with binary data", async () => {
  const { daemon, port } = await startBundle();
  await daemon.ready(2);
  await isServedAsCluster(port);
  expect(daemon.log).toContain("STICKY_IPC_LEGACY");
  // The bundled setupWorker would have ended it after each request.
  expect((await fetch(`http://localhost:${port}/`)).headers.get("connection")).toBe("keep-alive");

  const clients = ["polling", "websocket", "polling", "websocket"].map((transport) =>
    client(port, { transports: [transport] }),
  );
  for (const each of clients) await each.timeout(10_000).emitWithAck("who");
  const heard = clients.map((each) => new Promise((resolve) => each.once("text", resolve)));
  clients[0]!.emit("all", Buffer.from("bytes"));
  for (const each of await Promise.all(heard)) expect(Buffer.from(each as Buffer).toString()).toBe("bytes");
});

test.each([true, undefined] as const)(
  "setupWorker alone in a bundle with socket.io is served (sticky: %s)",
  async (sticky) => {
    const { daemon, port } = await startBundle({ source: STICKY_ALONE, sticky });
    await daemon.ready(2);
    const clients = ["polling", "websocket", "polling", "websocket"].map((transport) =>
      client(port, { transports: [transport] }),
    );
    const pids = new Set<number>();
    for (const each of clients) pids.add(await each.timeout(10_000).emitWithAck("who"));
    expect(pids.size).toBe(2);
  },
);

test("a bundle with socket.io that is neither sticky nor calls setupWorker gets a line with the remedy", async () => {
  const { daemon } = await startBundle({ source: SINGLE, minify: true });
  const lines = () => errorLines(daemon, "STICKY_MISSING");
  await until(() => (lines().length > 0 ? true : undefined), "the line");
  expect(await daemon.sticky()).toEqual([]);
});
