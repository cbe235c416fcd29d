import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { fetchPlain } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";
import { folderWith } from "../helpers/users-folder";

/** An installation whose PM2 was changed. */
function changed(file: string, replace: (text: string) => string): string {
  const folder = folderWith();
  cpSync(join(inject("installed"), "node_modules"), join(folder, "node_modules"), {
    recursive: true,
    verbatimSymlinks: true,
  });
  const path = join(folder, "node_modules/pm2-socket.io/node_modules/pm2/lib", file);
  const text = readFileSync(path, "utf8");
  writeFileSync(path, replace(text));
  expect(readFileSync(path, "utf8")).not.toBe(text);
  return folder;
}

async function runsPlainApps(daemon: Daemon): Promise<string> {
  const port = await freePort();
  daemon.write("plain.js", `require("http").createServer((req, res) => res.end("plain")).listen(${port});`);
  const started = await daemon.pm2("start", "plain.js", "-i", "2");
  expect(started.code).toBe(0);
  const answer = await until(() => fetchPlain(port).catch(() => undefined), "the app to listen");
  expect(answer.body).toBe("plain");
  expect((await daemon.pm2("delete", "all")).code).toBe(0);
  return started.stderr;
}

test("a daemon whose PM2 lacks what we rely on says so, and runs plain apps as PM2 does", async () => {
  const installed = changed("God/Methods.js", (text) => text.replaceAll("God.killProcess", "God.endProcess"));
  // Whoever called it by its former name does not any more.
  for (const file of ["God/ActionMethods.js", "God/Reload.js"]) {
    const path = join(installed, "node_modules/pm2-socket.io/node_modules/pm2/lib", file);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("God.killProcess", "God.endProcess"));
  }
  const daemon = new Daemon({}, installed);
  await runsPlainApps(daemon);
  expect(daemon.log).toMatch(/God\.killProcess is not there.*\[STICKY_PM2_CHANGED\]/);
});

test("a command whose PM2 lacks what we rely on says so, and runs plain apps as PM2 does", async () => {
  const installed = changed("Client.js", (text) => text.replaceAll("launchDaemon", "spawnDaemon"));
  const daemon = new Daemon({}, installed);
  expect(await runsPlainApps(daemon)).toMatch(/Client\.launchDaemon is not there.*\[STICKY_PM2_CHANGED\]/);
});
