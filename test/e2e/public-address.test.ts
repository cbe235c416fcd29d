import { expect, test } from "vitest";
import { Daemon, freePort, until } from "../helpers/daemon";
import { ecosystem, OFFICIAL_CJS } from "../helpers/workers";

const script = "worker.js";
const exec_mode = "cluster";

/** Five apps that each know one thing less about their port than the one before. None may be named "env" in PM2. */
test("the public port is the first that is set of: sticky.port, the worker's, --port, PORT, PM2_PORT", async () => {
  const [configured, workers, apps, env, daemons] = (await Promise.all(
    Array.from({ length: 5 }, () => freePort()),
  )) as [number, number, number, number, number];
  const daemon = new Daemon({ PM2_PORT: String(daemons) });
  daemon.write(script, OFFICIAL_CJS);
  daemon.write("listens.js", `new (require("socket.io").Server)(${workers})`);
  daemon.write(
    "ecosystem.config.js",
    ecosystem(
      {
        name: "configured",
        script: "listens.js",
        sticky: { port: configured },
        port: apps,
        env: { PORT: env },
      },
      { name: "workers", script: "listens.js", sticky: true, port: apps, env: { PORT: env } },
      { name: "apps", script, exec_mode, sticky: true, port: apps },
      { name: "variable", script, exec_mode, env: { PORT: env } },
      { name: "daemons", script, exec_mode },
    ),
  );
  await daemon.pm2("start", "ecosystem.config.js");

  const opened = await until(async () => {
    const status = await daemon.sticky();
    const open = status.filter(({ state }) => state === "open");
    return open.length === 5 ? open.map(({ name, listener }) => [name, listener]) : undefined;
  }, "five apps to be open");
  expect(Object.fromEntries(opened)).toEqual({
    configured: `port ${configured}`,
    workers: `port ${workers}`,
    apps: `port ${apps}`,
    variable: `port ${env}`,
    daemons: `port ${daemons}`,
  });
});

test("--port on the command line is the public port, and goes before PORT in the daemon's environment", async () => {
  const daemon = new Daemon({ PM2_PORT: String(await freePort()) });
  const port = await freePort();
  daemon.write(script, OFFICIAL_CJS);
  await daemon.pm2("start", script, "-i", "1", "--port", String(port));
  expect((await daemon.ready(1)).listener).toBe(`port ${port}`);
});

test("where nobody says a port it is 8080", async () => {
  const daemon = new Daemon();
  daemon.write(script, OFFICIAL_CJS);
  await daemon.pm2("start", script, "-i", "1");
  // It may be in use on this machine.
  const listener = await until(
    async () => (await daemon.sticky()).find(({ state }) => state === "open" || state === "failed")?.listener,
    "the listener to try",
  );
  expect(listener).toBe("port 8080");
});
