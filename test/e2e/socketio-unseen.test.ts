import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Daemon, freePort, until } from "../helpers/daemon";
import { errorLines, errorLog } from "../helpers/error-log";
import { ecosystem } from "../helpers/workers";

/** Sticky apps, by name, each with what its error log says ten seconds later. */
const UNSEEN: Record<string, [says: string, text: string]> = {
  launcher: [
    "; it has started another process",
    `require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });`,
  ],
  engine: [
    "; it loads Engine.IO alone",
    `const server = require("http").createServer();
     new (require("engine.io").Server)().attach(server);
     server.listen(process.env.PORT);`,
  ],
  uws: [
    "; it loads uWebSockets.js",
    `require("uWebSockets.js").App().listen(0, () => {}); setInterval(() => {}, 1000);`,
  ],
  nothing: ["", `require("http").createServer((req, res) => res.end()).listen(process.env.PORT);`],
};

/** Sticky apps, by name, whose Socket.IO is attached to what is named here. */
const UNSERVED: Record<string, [to: string, text: string]> = {
  http2: [
    "an HTTP/2 server",
    `const server = require("http2").createServer();
     new (require("socket.io").Server)(server);
     server.listen(process.env.PORT);`,
  ],
  attach: [
    "no HTTP server of Node (uWebSockets.js, or an engine of its own)",
    `const app = new Proxy({}, { get: () => () => app });
     new (require("socket.io").Server)().attachApp(app);
     setInterval(() => {}, 1000);`,
  ],
};

/** A sticky app whose Socket.IO server was made and forgotten. */
const UNATTACHED = `new (require("socket.io").Server)(); require("http").createServer().listen(process.env.PORT);`;

/** Sticky apps of which nothing is said. */
const SILENT: Record<string, string> = {
  late: `
    const server = require("http").createServer();
    setTimeout(() => server.listen(process.env.PORT), 6000);
    setTimeout(() => new (require("socket.io").Server)(server), 13000);`,
  loaded: `require("socket.io"); setInterval(() => {}, 1000);`,
};

const texts = (apps: typeof UNSEEN) =>
  Object.fromEntries(Object.entries(apps).map(([name, [, text]]) => [name, text]));

test("a sticky app whose Socket.IO cannot be seen or served is told so, each in one line", async () => {
  const daemon = new Daemon();
  // It is no package of npm's; what matters is its name.
  const uws = join(daemon.folder, "node_modules/uWebSockets.js");
  mkdirSync(uws, { recursive: true });
  daemon.write(join(uws, "package.json"), `{ "name": "uWebSockets.js", "main": "uws.js" }`);
  daemon.write(join(uws, "uws.js"), "exports.App = () => ({ listen() {} });");
  const apps = [];
  for (const [name, text] of Object.entries({
    ...texts(UNSEEN),
    ...texts(UNSERVED),
    UNATTACHED,
    ...SILENT,
  })) {
    const env = { PORT: await freePort() };
    const script = daemon.write(`${name}.js`, text);
    apps.push({ name, script, instances: 2, exec_mode: "cluster", sticky: true, env });
  }
  daemon.write("ecosystem.config.js", ecosystem(...apps));

  expect((await daemon.pm2("start", "ecosystem.config.js")).code).toBe(0);

  for (const [name, [to]] of Object.entries(UNSERVED)) {
    await until(() => (errorLines(daemon, "STICKY_UNSERVED", name)[0] ? true : undefined), name, 5000);
    expect(errorLog(daemon, name)).toContain(`Socket.IO is attached to ${to}, which cannot be served`);
  }
  for (const [name, [says]] of Object.entries(UNSEEN)) {
    await until(() => (errorLines(daemon, "STICKY_UNSEEN", name)[0] ? true : undefined), name);
    expect(errorLog(daemon, name)).toContain(`although the app is sticky${says} [STICKY_UNSEEN]`);
  }
  await until(
    () => (errorLines(daemon, "STICKY_UNATTACHED", "UNATTACHED")[0] ? true : undefined),
    "UNATTACHED",
  );
  // The one that listens late has got its Socket.IO by then, and the other workers have noticed what these have.
  await new Promise((resolve) => setTimeout(resolve, 7000));
  const counts = apps.map(({ name }) => [name, errorLines(daemon, "[STICKY_", name).length]);
  const expected = apps.map(({ name }) => [name, name in SILENT ? 0 : 1]);
  expect(counts).toEqual(expected);
});
