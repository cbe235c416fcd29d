import { expect, test } from "vitest";
import { fetchPlain, talk } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { ecosystem, OFFICIAL_CJS } from "../helpers/workers";

/** Serves as soon as it gets a message. */
const LATE = `process.once("SIGUSR2", () => { ${OFFICIAL_CJS} }); setInterval(() => {}, 1000);`;

async function start(source: string, sticky: object): Promise<{ daemon: Daemon; port: number }> {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("worker.js", source);
  daemon.write(
    "ecosystem.config.js",
    ecosystem({ name: "chat", script: "worker.js", exec_mode: "cluster", sticky: { port, ...sticky } }),
  );
  await daemon.pm2("start", "ecosystem.config.js");
  return { daemon, port };
}

test("heads that are late, too large, not HTTP or too many are refused, and the app goes on", async () => {
  const limits = { headTimeout: 300, maxHeadSize: 256, maxPending: 2 };
  const { daemon, port } = await start(OFFICIAL_CJS, limits);
  await daemon.ready(1);
  const { pid } = daemon;
  const address = { port, host: "localhost" };

  expect(await talk(address, "GET / HT")).toMatch(/^HTTP\/1\.1 408 /);
  expect(await talk(address, `GET /${"a".repeat(300)}`)).toMatch(/^HTTP\/1\.1 431 /);
  expect(await talk(address, "\x16\x03\x01\x02\x00\x01\x00\x01")).toMatch(/^HTTP\/1\.1 400 /);
  const idle = await Promise.all([talk(address), talk(address), talk(address), talk(address)]);
  // The oldest are closed without a word, the others are late.
  expect(idle.map((answer) => answer.slice(9, 12)).sort()).toEqual(["", "", "408", "408"]);

  expect((await fetchPlain(port)).body).toMatch(/^plain \d+$/);
  expect(daemon.pid).toBe(pid);
  expect((await daemon.sticky())[0]).toMatchObject({ pending: 0, waiting: 0 });
});

test("a connection waits for a worker for queueTimeout, then gets 503 with Retry-After", async () => {
  const { daemon, port } = await start(LATE, { queueTimeout: 400 });
  // There is a port as soon as there was a worker.
  await daemon.pm2("sendSignal", "SIGUSR2", "chat");
  await daemon.ready(1);
  await daemon.pm2("restart", "chat");

  expect(await fetchPlain(port)).toMatchObject({
    status: 503,
    headers: { "retry-after": expect.any(String) },
  });
});

test("a connection that waits is answered by the first worker that is ready", async () => {
  const { daemon, port } = await start(LATE, { queueTimeout: 60_000 });
  await daemon.pm2("sendSignal", "SIGUSR2", "chat");
  await daemon.ready(1);
  await daemon.pm2("restart", "chat");

  const answer = fetchPlain(port);
  await expect.poll(async () => (await daemon.sticky())[0]?.waiting).toBe(1);
  await daemon.pm2("sendSignal", "SIGUSR2", "chat");
  expect(await answer).toMatchObject({ status: 200 });
});
