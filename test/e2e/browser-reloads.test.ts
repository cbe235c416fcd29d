import { join } from "node:path";
import { expect, test } from "vitest";
import { ChatTab, openBrowser } from "../helpers/browser";
import { Daemon, freePort } from "../helpers/daemon";
import { hush, seenBy, talk } from "../helpers/talkative-tab";

const RELOADS = 10;

test("no tab of a browser notices ten reloads in a row, with messages flowing", async (context) => {
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
  await Promise.all(["websocket", "polling", "websocket"].map((name, i) => tabs[i]!.usesTransport(name)));

  for (const { page } of tabs) await talk(page);
  for (let i = 0; i < RELOADS; i++) {
    const before = (await daemon.list()).map(({ pid }) => pid);
    const reload = await daemon.pm2("reload", "chat");
    expect(reload, reload.stderr).toMatchObject({ code: 0 });
    await daemon.ready(3);
    for (const { pid } of await daemon.list()) expect(before).not.toContain(pid);
  }
  for (const { page } of tabs) await hush(page);
  const asked = await Promise.all(tabs.map(async ({ page }) => (await seenBy(page, 0)).asked));
  const total = asked.reduce((sum, each) => sum + each);
  const seen = await Promise.all(tabs.map(({ page }) => seenBy(page, total)));

  for (const [i, tab] of tabs.entries()) {
    const { ids, disconnects, said, answered, unanswered } = seen[i]!;
    expect({ ids, disconnects, unanswered }).toEqual({ ids: [ids[0]], disconnects: [], unanswered: [] });
    expect(answered).toBe(asked[i]);
    expect(said).toEqual(seen[0]!.said);
    const own = said.filter((text) => text.startsWith(tab.name));
    expect(own).toEqual([...Array(asked[i]).keys()].map((n) => `${tab.name} ${n}`));
    await tab.isConnected();
  }
}, 300_000);
