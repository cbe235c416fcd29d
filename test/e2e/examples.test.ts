import { cpSync } from "node:fs";
import { join } from "node:path";
import { io } from "socket.io-client";
import { expect, inject, onTestFinished, test } from "vitest";
import { Daemon, freePort, until } from "../helpers/daemon";

/** A file of the installed package. */
const packaged = (path: string) => join(inject("installed"), "node_modules/pm2-socket.io", path);

/** Connects two clients and waits until what one says is heard by the other. */
async function talk(port: number): Promise<void> {
  const [one, other] = [0, 1].map(() => io(`http://localhost:${port}`, { forceNew: true }));
  onTestFinished(() => {
    one!.close();
    other!.close();
  });
  await Promise.all([one, other].map((client) => new Promise<void>((done) => client!.once("connect", done))));
  const heard = new Promise((done) => other!.once("said", done));
  one!.emit("say", "hello");
  await heard;
}

test("`pm2 start ecosystem.config.example.js` of the installed package runs the chat", async () => {
  const daemon = new Daemon();
  const file = packaged("ecosystem.config.example.js");
  const port = await freePort();
  // The same file, but for the port and the number of workers, which this machine decides.
  daemon.write(
    "ecosystem.config.example.js",
    `const { apps } = require(${JSON.stringify(file)});
     module.exports = { apps: [{ ...apps[0], instances: 2, sticky: { ...apps[0].sticky, port: ${port} } }] };`,
  );
  expect((await daemon.pm2("start", "ecosystem.config.example.js")).code).toBe(0);
  const app = await daemon.ready(2, "chat");
  expect(app.listener).toContain(String(port));
  await talk(port);
});

test("an Express server that was written as a single process runs as a cluster", async () => {
  const daemon = new Daemon({ PORT: String(await freePort()) });
  // Copied, as a user's would be: it finds its packages in its own folder, not in ours.
  cpSync(packaged("examples/single-process"), daemon.folder, { recursive: true });
  expect((await daemon.pm2("start", "ecosystem.config.js")).code).toBe(0);
  await daemon.ready(2);
  const port = Number(daemon.env.PORT);
  expect(await (await fetch(`http://localhost:${port}/`)).text()).toMatch(/^Hello from process \d+/);
  await talk(port);
});

test("a cluster without PM2 answers, and its workers hear each other", async () => {
  const daemon = new Daemon({ PORT: String(await freePort()) });
  daemon.spawn(process.execPath, [packaged("examples/plain-cluster/server.js")]);
  const port = Number(daemon.env.PORT);
  const hello = await until(async () => {
    const response = await fetch(`http://localhost:${port}/`).catch(() => undefined);
    return response?.ok ? response.text() : undefined;
  }, "an answer");
  expect(hello).toMatch(/^Hello from process \d+/);
  await talk(port);
});
