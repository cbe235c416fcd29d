import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, inject, test } from "vitest";
import { CHAT, isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { folderWith } from "../helpers/users-folder";
import { ecosystem, OFFICIAL_CJS, OFFICIAL_ESM } from "../helpers/workers";

const SINGLE = `
const server = require("http").createServer();
const io = new (require("socket.io").Server)(server);
server.listen(process.env.PORT);
${CHAT}`;

/** Where a user's packages are installed, far from the app. */
const packages = () => join(inject("installed"), "node_modules");

function put(file: string, text: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** Starts two workers without `sticky` and expects them to be a cluster. */
async function isServed(app: {
  script: string;
  sticky?: true;
  node_args?: string[];
  env?: object;
  cwd?: string;
}) {
  const daemon = new Daemon();
  const port = await freePort();
  const env = { ...app.env, PORT: port };
  const all = { ...app, name: "app", instances: 2, exec_mode: "cluster", env, port };
  const started = await daemon.pm2("start", daemon.write("ecosystem.config.js", ecosystem(all)));
  expect(started, started.stderr).toMatchObject({ code: 0 });
  await daemon.ready(2);
  await isServedAsCluster(port);
  // The app's own copies of the official packages would serve it too, but not as well.
  expect(daemon.log).not.toContain("STICKY_IPC_LEGACY");
}

test("a script that is a link to a file with the packages beside it", async () => {
  const folder = folderWith();
  const script = join(folder, "bin/app.js");
  mkdirSync(dirname(script));
  symlinkSync(put(join(folder, "app/worker.js"), OFFICIAL_CJS), script);
  symlinkSync(packages(), join(folder, "app/node_modules"));
  await isServed({ script, cwd: dirname(script) });
});

test("a script whose link is in another tree than its packages", async () => {
  const folder = folderWith();
  const real = put(join(inject("installed"), "apps", `linked-${process.pid}.js`), OFFICIAL_CJS);
  symlinkSync(real, join(folder, "app.js"));
  await isServed({ script: join(folder, "app.js") });
});

test("packages that are found through NODE_PATH in the app's env", async () => {
  const script = put(join(folderWith(), "worker.js"), OFFICIAL_CJS);
  await isServed({ script, env: { NODE_PATH: packages() } });
});

test("a launcher in another folder", async () => {
  const folder = folderWith();
  symlinkSync(packages(), join(put(join(folder, "app/worker.js"), OFFICIAL_CJS), "../node_modules"));
  const script = put(join(folder, "launchers/start.js"), `require("../app/worker.js");`);
  await isServed({ script });
});

test("a launcher that imports an ES module", async () => {
  const folder = folderWith();
  symlinkSync(packages(), join(put(join(folder, "app/worker.mjs"), OFFICIAL_ESM), "../node_modules"));
  const script = put(join(folder, "launchers/start.mjs"), `await import("../app/worker.mjs");`);
  await isServed({ script });
});

/** `pnpm` and `yarn` as npm packages; each installs what it is given into a folder of its own. */
function installWith(folder: string, tool: string, ...args: string[]): void {
  execFileSync(process.execPath, [join(folder, "tool/node_modules", tool), ...args], {
    cwd: join(folder, "app"),
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, CI: "false", YARN_ENABLE_IMMUTABLE_INSTALLS: "false", YARN_ENABLE_TELEMETRY: "0" },
  });
}

function tool(...names: string[]): string {
  const folder = folderWith();
  mkdirSync(join(folder, "tool"));
  put(join(folder, "tool/package.json"), "{}");
  execFileSync("npm", ["install", "--silent", "--no-audit", "--no-fund", ...names], {
    cwd: join(folder, "tool"),
  });
  return folder;
}

const DEPENDENCIES = {
  "socket.io": "4.8",
  "@socket.io/sticky": "2",
  "@socket.io/cluster-adapter": "0.3",
  "socket.io-adapter": "2",
};

test("a workspace of pnpm, whose script is in a package without the official packages", async () => {
  const folder = tool("pnpm@9");
  put(join(folder, "app/package.json"), `{ "name": "root", "private": true }`);
  put(join(folder, "app/pnpm-workspace.yaml"), "packages:\n  - packages/*\n");
  const server = { name: "server", version: "1.0.0", main: "index.js", dependencies: DEPENDENCIES };
  put(join(folder, "app/packages/server/package.json"), JSON.stringify(server));
  put(join(folder, "app/packages/server/index.js"), OFFICIAL_CJS);
  const start = { name: "start", version: "1.0.0", dependencies: { server: "workspace:*" } };
  put(join(folder, "app/packages/start/package.json"), JSON.stringify(start));
  const script = put(join(folder, "app/packages/start/start.js"), `require("server");`);
  installWith(folder, "pnpm/bin/pnpm.cjs", "install", "--silent");
  await isServed({ script });
});

test.each([
  ["the preloaded way", ["--require", "./.pnp.cjs"], OFFICIAL_CJS],
  ["its own call", [], `require("./.pnp.cjs").setup();\n${OFFICIAL_CJS}`],
])("Yarn's Plug'n'Play, set up in %s", async (_, args, text) => {
  const folder = tool("@yarnpkg/cli-dist@4");
  put(join(folder, "app/package.json"), JSON.stringify({ name: "app", dependencies: DEPENDENCIES }));
  put(join(folder, "app/yarn.lock"), "");
  put(join(folder, "app/.yarnrc.yml"), "nodeLinker: pnp\nenableGlobalCache: false\n");
  installWith(folder, "@yarnpkg/cli-dist/bin/yarn.js", "install");
  const node_args = args.map((each) => each.replace("./", `${folder}/app/`));
  await isServed({ script: put(join(folder, "app/worker.js"), text), cwd: join(folder, "app"), node_args });
  await isServed({
    script: put(
      join(folder, "app/single.js"),
      text.includes("setup()") ? `require("./.pnp.cjs").setup();${SINGLE}` : SINGLE,
    ),
    cwd: join(folder, "app"),
    node_args,
    sticky: true,
  });
});
