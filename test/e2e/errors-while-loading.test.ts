import { expect, test } from "vitest";
import { Daemon, until } from "../helpers/daemon";
import { errorLog } from "../helpers/error-log";
import { ecosystem } from "../helpers/workers";

const count = (text: string, what: string) => text.split(what).length - 1;

/** Starts two processes that are started once more when they fail, and returns when they have failed for good. */
async function fails(script: string, text: string, options: object = { sticky: true }) {
  const daemon = new Daemon();
  daemon.write(script, text);
  const app = { name: "app", script, instances: 2, exec_mode: "cluster", max_restarts: 1, min_uptime: 5000 };
  daemon.write("ecosystem.config.js", ecosystem({ ...app, ...options }));
  await daemon.pm2("start", "ecosystem.config.js");
  await until(() => (count(daemon.log, "exited with code") >= 2 ? true : undefined), "the processes to fail");
  return daemon;
}

test.each([
  [
    "Socket.IO on an HTTPS server",
    `const server = require("https").createServer({});
     new (require("socket.io").Server)(server);
     server.listen(0);`,
    "STICKY_TLS",
  ],
  [
    "setupWorker for a server that is attached to nothing",
    `require("@socket.io/sticky").setupWorker(new (require("socket.io").Server)());`,
    "STICKY_UNATTACHED",
  ],
  ["an error of the app's own", `throw new TypeError("the database has no address");`, "has no address"],
  ["what is no error at all", `throw "just a text";`, "just a text"],
  ["a module that is not there", `require("not-installed");`, "Cannot find module 'not-installed'"],
])("%s, while a worker loads, is in the app's error log and once in the daemon's", async (_, text, says) => {
  const daemon = await fails("app.js", text);
  const logged = await until(
    () => (errorLog(daemon).includes(says) ? errorLog(daemon) : undefined),
    "the error",
  );
  expect(logged).toContain(says);
  const ofDaemon = daemon.log.split("\n").filter((line) => line.includes("STICKY_THROWN"));
  expect(ofDaemon).toHaveLength(1);
  expect(ofDaemon[0]).toContain(says);
  expect(ofDaemon[0]).toContain("[pm2-socket.io] app: ");
});

test("an app without Socket.IO finds its errors there, too, each once", async () => {
  const daemon = await fails("app.js", `throw new Error("at once " + process.env.NODE_APP_INSTANCE);`, {});
  for (const instance of [0, 1]) {
    await until(() => errorLog(daemon).includes(`at once ${instance}`) || undefined, "the error");
  }
  // Each start of a process has written it once: PM2's container or the daemon, and not both.
  await daemon.pm2("stop", "all");
  const starts = count(daemon.log, "App [app:0] starting in");
  expect(count(errorLog(daemon), "Error: at once 0")).toBe(starts);
});

test("an error that comes late is not written twice", async () => {
  const text = `require("http").createServer().listen(0); setTimeout(() => { throw new Error("much later"); }, 1500);`;
  const daemon = await fails("app.js", text, { sticky: true, autorestart: false });
  await until(() => count(errorLog(daemon), "Error: much later") >= 2 || undefined, "the errors");
  await daemon.pm2("stop", "all");
  expect(count(errorLog(daemon), "Error: much later")).toBe(2);
});

test("an error in an ES module, whose process PM2 lets live, is in both logs", async () => {
  const daemon = new Daemon();
  daemon.write("app.mjs", `throw new Error("in a module");`);
  await daemon.pm2("start", "app.mjs", "--name", "app", "-i", "2", "--sticky");
  await until(() => errorLog(daemon).includes("Error: in a module") || undefined, "the app's log");
  const line = await until(
    () => daemon.log.split("\n").find((each) => each.includes("STICKY_THROWN")),
    "the daemon's log",
  );
  expect(line).toContain("Error: in a module");
});
