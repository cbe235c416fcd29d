import { join } from "node:path";
import { expect, test } from "vitest";
import { isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";
import { OFFICIAL_CJS } from "../helpers/workers";

/** Prints everything that PM2's bus carries, through the programmatic API. */
const LISTENER = (api: string) => `
const pm2 = require(${JSON.stringify(api)});
pm2.launchBus((error, bus) => {
  bus.on("*", (event, packet) => console.log("heard " + event + " " + JSON.stringify(packet)));
  console.log("listens");
});`;

test("nothing of what clients say to each other appears on PM2's bus, what the app says itself does", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write(
    "worker.js",
    `${OFFICIAL_CJS} io.on("connection", () => process.send({ type: "own", data: { word: "published" } }));`,
  );
  await daemon.pm2("start", "worker.js", "-i", "2", "--port", String(port));
  await daemon.ready(2);
  const listener = daemon.spawn(process.execPath, [
    "-e",
    LISTENER(join(daemon.installed, "node_modules/pm2-socket.io")),
  ]);
  let heard = "";
  listener.stdout!.on("data", (chunk) => {
    heard += chunk;
  });
  await until(() => heard.includes("listens") || undefined, "the bus to be open");

  await isServedAsCluster(port);

  // The bus is one stream: what was sent before the app's last own message has arrived with it.
  await until(() => heard.split("published").length > 4 || undefined, "the app's own messages to arrive");
  const events = [...heard.matchAll(/^heard (\S+)/gm)].map(([, event]) => event);
  expect(new Set(events)).toEqual(new Set(["own"]));
  expect(heard).not.toContain("hello");
  expect((await daemon.sticky())[0]!.workers.some(({ framesRelayed }) => framesRelayed > 0)).toBe(true);
});
