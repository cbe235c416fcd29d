import { join } from "node:path";
import { expect, test } from "vitest";
import { ChatTab, openBrowser } from "../helpers/browser";
import { Daemon, freePort } from "../helpers/daemon";

test("tabs of a browser hear each other on all workers and transports, and come back by themselves in a reload", async (context) => {
  const browser = await openBrowser(context);
  const port = await freePort();
  const daemon = new Daemon({ PORT: String(port) });
  const chat = join(daemon.installed, "node_modules/pm2-socket.io/examples/chat/ecosystem.config.js");
  expect((await daemon.pm2("start", chat)).code).toBe(0);
  await daemon.ready(3);

  const url = `http://localhost:${port}`;
  const tabs = [
    await ChatTab.open(browser, url, "Ada"),
    await ChatTab.open(browser, url, "Bob", "polling"),
    await ChatTab.open(browser, url, "Cleo", "websocket"),
  ];
  const [ada, bob, cleo] = tabs as [ChatTab, ChatTab, ChatTab];
  await Promise.all([
    ada.usesTransport("websocket"),
    bob.usesTransport("polling"),
    cleo.usesTransport("websocket"),
  ]);
  const before = await Promise.all(tabs.map((tab) => tab.workerPid()));
  const workers = (await daemon.list()).map(({ pid }) => pid);
  expect(workers).toEqual(expect.arrayContaining(before));
  // The tabs share the browser's connections, but a WebSocket has one of its own, to the worker with the fewest sessions.
  expect(new Set(before).size).toBeGreaterThan(1);

  await bob.say("before the reload");
  await Promise.all(tabs.map((tab) => tab.hears("before the reload")));

  const reload = daemon.pm2("reload", "chat");
  await Promise.all(tabs.map((tab, i) => tab.leaves(before[i]!)));
  expect((await reload).code).toBe(0);
  await daemon.ready(3);

  await cleo.say("after the reload");
  await Promise.all(tabs.map((tab) => tab.hears("after the reload")));
  for (const tab of tabs) {
    await tab.isConnected();
    expect(await tab.heard()).toEqual(["before the reload", "after the reload"]);
    expect((await daemon.list()).map(({ pid }) => pid)).toContain(await tab.workerPid());
  }
}, 90_000);
