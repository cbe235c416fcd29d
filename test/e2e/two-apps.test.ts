import { expect, test } from "vitest";
import { client, isServedAsCluster, talk } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { ecosystem, OFFICIAL_CJS } from "../helpers/workers";

test.each([
  ["two apps", { name: "one" }, { name: "two" }],
  [
    "two apps of one name in two namespaces",
    { name: "app", namespace: "a" },
    { name: "app", namespace: "b" },
  ],
])("%s have two ports; neither packets nor sessions cross", async (_, one, two) => {
  const daemon = new Daemon();
  const ports = [await freePort(), await freePort()] as const;
  daemon.write("worker.js", OFFICIAL_CJS);
  daemon.write(
    "ecosystem.config.js",
    ecosystem(
      { ...one, script: "worker.js", instances: 2, exec_mode: "cluster", sticky: { port: ports[0] } },
      { ...two, script: "worker.js", instances: 2, exec_mode: "cluster", sticky: { port: ports[1] } },
    ),
  );
  await daemon.pm2("start", "ecosystem.config.js");
  await daemon.ready(2, one.name);
  await daemon.ready(2, two.name);

  const strangers = [client(ports[1], { transports: ["websocket"] }), client(ports[1])];
  const overheard: unknown[] = [];
  for (const stranger of strangers) stranger.onAny((...packet) => overheard.push(packet));
  await Promise.all(strangers.map((each) => each.timeout(5000).emitWithAck("who")));

  const pids = await isServedAsCluster(ports[0]);
  const others = await isServedAsCluster(ports[1]);
  expect([...pids].filter((pid) => others.has(pid))).toEqual([]);
  // One "hello" each, of their own app.
  expect(overheard).toEqual([
    ["text", "hello"],
    ["text", "hello"],
  ]);

  const session = client(ports[0], { transports: ["polling"] });
  await session.timeout(5000).emitWithAck("who");
  const path = `/socket.io/?EIO=4&transport=polling&sid=${session.io.engine.id}`;
  const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
  expect(await talk({ port: ports[1], host: "localhost" }, request)).toContain("Session ID unknown");
});
