import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../helpers/build";
import { Daemon, freePort, until } from "../helpers/daemon";

test("`npm start` serves the chat until Ctrl-C, and leaves a daemon that runs already alone", async () => {
  const port = await freePort();
  const daemon = new Daemon({ PORT: String(port) });
  daemon.write("app.js", "setInterval(() => {}, 1000);");
  await daemon.pm2("start", "app.js");

  const chat = daemon.spawn(process.execPath, [join(ROOT, "scripts/start-chat.js")]);
  const page = await until(async () => {
    const response = await fetch(`http://localhost:${port}/`).catch(() => undefined);
    return response?.ok ? response.text() : undefined;
  }, "the page");
  expect(page).toContain("<title>Chat</title>");

  const ended = once(chat, "exit");
  chat.kill("SIGINT");
  expect(await ended).toEqual([0, null]);
  await expect(fetch(`http://localhost:${port}/`)).rejects.toThrow();
  expect((await daemon.list()).map(({ name, pm2_env }) => [name, pm2_env.status])).toEqual([
    ["app", "online"],
  ]);
});
