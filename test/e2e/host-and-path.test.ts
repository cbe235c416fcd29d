import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isServedAsCluster, talk } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { folderWith } from "../helpers/users-folder";
import { ecosystem, OFFICIAL_CJS } from "../helpers/workers";

const GET = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

async function start(sticky: object): Promise<Daemon> {
  const daemon = new Daemon();
  daemon.write("worker.js", OFFICIAL_CJS);
  daemon.write(
    "ecosystem.config.js",
    ecosystem({ script: "worker.js", instances: 2, exec_mode: "cluster", sticky }),
  );
  await daemon.pm2("start", "ecosystem.config.js");
  return daemon;
}

test("sticky.host is the only address that is served", async () => {
  const port = await freePort();
  const daemon = await start({ port, host: "127.0.0.2", backlog: 64 });
  const { listener, address } = await daemon.ready(2);
  expect(listener).toBe(`127.0.0.2:${port}`);
  expect(address).toEqual({ address: "127.0.0.2", family: "IPv4", port });

  await isServedAsCluster(`http://127.0.0.2:${port}`);
  await expect(talk({ port, host: "127.0.0.1" })).rejects.toThrow("ECONNREFUSED");
});

test("sticky.path is a Unix socket; one that a dead process left there is replaced", async () => {
  const path = join(folderWith(), "public.sock");
  await leaveStaleSocket(path);
  const daemon = await start({ path });
  expect(await daemon.ready(2)).toMatchObject({ listener: path, address: path });

  expect(await talk({ path }, GET)).toContain("plain ");
  await daemon.pm2("delete", "all");
  await expect(talk({ path }, GET)).rejects.toThrow("ENOENT");
});

test("a Unix socket that somebody serves is left alone", async () => {
  const daemon = new Daemon();
  const path = join(daemon.home, "taken.sock");
  const holder = createServer((_, res) => res.end("the holder")).listen(path);
  await once(holder, "listening");
  daemon.write("worker.js", OFFICIAL_CJS);
  daemon.write(
    "ecosystem.config.js",
    ecosystem({ script: "worker.js", exec_mode: "cluster", sticky: { path } }),
  );
  await daemon.pm2("start", "ecosystem.config.js");
  await expect.poll(async () => (await daemon.sticky())[0]?.error).toBe("EADDRINUSE");
  expect(await talk({ path }, GET)).toContain("the holder");
  holder.close();
});

/** What a process leaves that was killed while it listened. */
async function leaveStaleSocket(path: string): Promise<void> {
  const code = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("listens"))`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  await expect(talk({ path })).rejects.toThrow("ECONNREFUSED");
}
