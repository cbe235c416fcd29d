import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { Daemon, freePort, processesOf } from "../helpers/daemon";
import { OFFICIAL_CJS } from "../helpers/workers";

test("pm2 sticky shows listeners and workers, for people and for programs", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("worker.js", OFFICIAL_CJS);
  await daemon.pm2("start", "worker.js", "-n", "chat", "-i", "2", "--port", String(port));
  const { workers } = await daemon.ready(2);
  const session = client(port, { transports: ["websocket"] });
  const pid = await session.timeout(5000).emitWithAck("who");

  await expect
    .poll(async () => (await daemon.sticky())[0]!.workers.find((each) => each.pid === pid))
    .toMatchObject({
      slot: expect.any(Number),
      generation: 0,
      id: expect.any(String),
      pid,
      state: "ready",
      sessions: 1,
      connections: 1,
      handedOff: 1,
      forwarded: 0,
      framesRelayed: expect.any(Number),
      bytesRelayed: expect.any(Number),
      handover: { moved: 0, closed: 0, failed: 0 },
    });

  const { code, stdout } = await daemon.pm2("sticky", "chat");
  expect(code).toBe(0);
  const [head, address, titles, ...rows] = stdout.trimEnd().split("\n");
  expect(head).toBe("chat (namespace default): least-connection");
  expect(address).toBe(`  port ${port} open, workers 0, 1`);
  expect(titles!.trim().split(/ {2,}/)).toEqual(
    "slot,id,pid,gen,state,sessions,connections,handed off,forwarded,frames,bytes,dropped,moved,closed,failed".split(
      ",",
    ),
  );
  expect(rows.map((row) => row.trim().split(/ {2,}/).slice(0, 5))).toEqual(
    workers.map((each) => [String(each.slot), each.id, String(each.pid), "0", "ready"]),
  );

  const unknown = await daemon.pm2("sticky", "caht");
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('there is no app "caht" with a sticky listener');
  expect(JSON.parse((await daemon.pm2("sticky", "chat", "--json")).stdout)).toHaveLength(1);
  expect((await daemon.pm2("sticky", "caht", "--json")).code).toBe(1);
});

test("pm2 sticky without a daemon shows no app, and starts none", async () => {
  const daemon = new Daemon();
  expect(await daemon.pm2("sticky", "--json")).toMatchObject({ code: 0, stdout: "[]\n", stderr: "" });
  expect(await daemon.pm2("sticky")).toMatchObject({ code: 0, stdout: "No app with a sticky listener.\n" });
  expect(processesOf(daemon.home)).toEqual([]);
});

test("pm2 --version is PM2's version, pm2 sticky --version is ours", async () => {
  const daemon = new Daemon();
  const ours = join(daemon.installed, "node_modules/pm2-socket.io");
  const version = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;
  expect((await daemon.pm2("--version")).stdout.trim().split("\n").at(-1)).toBe(
    version(join(ours, "node_modules/pm2")),
  );
  expect((await daemon.pm2("sticky", "--version")).stdout).toBe(`${version(ours)}\n`);
});
