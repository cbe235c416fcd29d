import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import module from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHAT, isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { ecosystem, OFFICIAL_CJS, OFFICIAL_ESM } from "../helpers/workers";

const SINGLE_ESM = `
import { createServer } from "node:http";
import { Server } from "socket.io";
const server = createServer();
const io = new Server(server);
server.listen(process.env.PORT);
${CHAT}`;
const TYPED = SINGLE_ESM.replace("const io", "const io: Server");
const OFFICIAL_TYPED = OFFICIAL_ESM.replace("const io", "const io: Server");

/** What the user of all these loaders has installed, in one folder for all tests. */
const PACKAGES = [
  ...["socket.io@4.8", "@socket.io/sticky@2", "@socket.io/cluster-adapter@0.3", "socket.io-adapter@2"],
  ...["import-in-the-middle@1", "require-in-the-middle@7", "jiti@2", "tsx@4"],
  ...["@swc-node/register@1", "@swc/core@1", "typescript@5"],
];
const installed = mkdtempSync(join(tmpdir(), "pm2sio-loaders-"));

beforeAll(() => {
  writeFileSync(join(installed, "package.json"), JSON.stringify({ name: "users-app", private: true }));
  execFileSync("npm", ["install", "--silent", "--no-audit", "--no-fund", ...PACKAGES], { cwd: installed });
});
afterAll(() => rmSync(installed, { recursive: true, force: true }));

/** An empty folder in there. */
const newFolder = () => mkdtempSync(join(installed, "app-"));

/** A loader that returns the source of CommonJS modules, so that Node compiles them itself (jiti does so). */
const SOURCE_HOOK = {
  "loader.mjs": `import { register } from "node:module"; register("./hooks.mjs", import.meta.url);`,
  "hooks.mjs": `
    import { readFile } from "node:fs/promises";
    export async function load(url, context, next) {
      const result = await next(url, context);
      if (result.format !== "commonjs" || !url.startsWith("file:")) return result;
      return { format: "commonjs", source: await readFile(new URL(url)), shortCircuit: true };
    }`,
};

/** The same with hooks that run in the app's own thread, from Node 22.15 on. */
const SYNC_HOOK = {
  "loader.mjs": `
    import { readFileSync } from "node:fs";
    import { registerHooks } from "node:module";
    registerHooks({
      load(url, context, next) {
        const result = next(url, context);
        if (result.format !== "commonjs" || !url.startsWith("file:")) return result;
        return { format: "commonjs", source: readFileSync(new URL(url), "utf8"), shortCircuit: true };
      },
    });`,
};

/** What tracing agents do: they put themselves between the app and the exports of packages. */
const IMPORT_IN_THE_MIDDLE = {
  "loader.mjs": `
    import { register } from "node:module";
    register("import-in-the-middle/hook.mjs", import.meta.url);
    const { Hook } = await import("import-in-the-middle");
    new Hook(["socket.io", "@socket.io/sticky"], (exported, name) => { console.log("traced " + name); });`,
};
const REQUIRE_IN_THE_MIDDLE = {
  "loader.mjs": `
    import { createRequire } from "node:module";
    const { Hook } = createRequire(import.meta.url)("require-in-the-middle");
    new Hook(["socket.io", "@socket.io/sticky"], (exported, name) => {
      if (!exported.Server) return exported;
      class Server extends exported.Server {}
      return { ...exported, Server };
    });`,
};

interface Loader {
  files?: Record<string, string>;
  /** Loaded before the app; a path, because PM2 starts workers in the daemon's folder. */
  path: string;
}

const inFolder = (files: Record<string, string>): Loader => ({ files, path: "loader.mjs" });
const ofPackage = (path: string): Loader => ({ path: `../node_modules/${path}` });
const JITI = ofPackage("jiti/lib/jiti-register.mjs");
const TSX = ofPackage("tsx/dist/loader.mjs");
const SWC = {
  ...ofPackage("@swc-node/register/esm/esm-register.mjs"),
  files: {
    "package.json": '{ "type": "module" }',
    "tsconfig.json": '{ "compilerOptions": { "module": "esnext" } }',
  },
};

/** What is called `app` was written as a single process and is `sticky`; what is called `worker` calls `setupWorker`. */
const SHAPES: [string, string, Loader, string][] = [
  ["a loader that returns sources", "app.mjs", inFolder(SOURCE_HOOK), SINGLE_ESM],
  ["a loader that returns sources", "worker.mjs", inFolder(SOURCE_HOOK), OFFICIAL_ESM],
  ["a loader that returns sources", "worker.js", inFolder(SOURCE_HOOK), OFFICIAL_CJS],
  ["import-in-the-middle", "app.mjs", inFolder(IMPORT_IN_THE_MIDDLE), SINGLE_ESM],
  ["import-in-the-middle", "worker.mjs", inFolder(IMPORT_IN_THE_MIDDLE), OFFICIAL_ESM],
  ["require-in-the-middle", "worker.js", inFolder(REQUIRE_IN_THE_MIDDLE), OFFICIAL_CJS],
  ["jiti", "app.mts", JITI, TYPED],
  ["jiti", "worker.mts", JITI, OFFICIAL_TYPED],
  ["tsx", "app.ts", TSX, TYPED],
  ["tsx", "app.mts", TSX, TYPED],
  ["swc", "app.ts", SWC, TYPED],
];
if (typeof (module as { registerHooks?: unknown }).registerHooks === "function") {
  SHAPES.push(
    ["hooks in the app's thread", "app.mjs", inFolder(SYNC_HOOK), SINGLE_ESM],
    ["hooks in the app's thread", "worker.mjs", inFolder(SYNC_HOOK), OFFICIAL_ESM],
    ["hooks in the app's thread", "worker.js", inFolder(SYNC_HOOK), OFFICIAL_CJS],
  );
}

test.each(SHAPES)("with %s, %s is served as a cluster", async (_, script, { files, path }, text) => {
  const folder = newFolder();
  const daemon = new Daemon();
  const port = await freePort();
  // PM2 starts workers in the daemon's folder, where swc's loader looks for itself.
  symlinkSync(join(installed, "node_modules"), join(daemon.folder, "node_modules"));
  for (const [name, content] of Object.entries({ ...files, [script]: text })) {
    daemon.write(join(folder, name), content);
  }
  const app = {
    ...{ script, cwd: folder, instances: 2, exec_mode: "cluster", interpreter: "node", port },
    ...{ node_args: ["--import", join(folder, path)], env: { PORT: port } },
    ...(script.startsWith("app") && { sticky: true }),
  };
  const config = daemon.write("ecosystem.config.js", ecosystem(app));
  const started = await daemon.pm2("start", config);
  expect(started, started.stderr).toMatchObject({ code: 0 });
  await daemon.ready(2);
  await isServedAsCluster(port);
  expect(daemon.log).not.toContain("STICKY_IPC_LEGACY");
});

test.each([
  ["an ES module", "app.mjs", `import "./registers.mjs"; await import("./worker.mjs");`],
  [
    "a CommonJS module",
    "app.js",
    `require("module").register("./hooks.mjs", require("url").pathToFileURL(__filename)); import("./worker.mjs");`,
  ],
])("%s that registers such a loader itself is served as a cluster", async (_, script, text) => {
  const folder = newFolder();
  const daemon = new Daemon();
  const port = await freePort();
  const files = {
    "hooks.mjs": SOURCE_HOOK["hooks.mjs"],
    "registers.mjs": SOURCE_HOOK["loader.mjs"],
    "worker.mjs": OFFICIAL_ESM,
    [script]: text,
  };
  for (const [name, content] of Object.entries(files)) daemon.write(join(folder, name), content);
  await daemon.pm2("start", join(folder, script), "-i", "2", "--port", String(port));
  await daemon.ready(2);
  await isServedAsCluster(port);
  expect(daemon.log).not.toContain("STICKY_IPC_LEGACY");
});
