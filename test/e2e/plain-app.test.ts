import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { fetchPlain } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";
import { folderWith } from "../helpers/users-folder";
import { ecosystem } from "../helpers/workers";

/** Tells what a worker can see of its container. */
const APP = `
require("http").createServer((req, res) => res.end(JSON.stringify({
  pid: process.pid,
  argv: process.argv,
  main: require.main === module,
  loaded: Object.keys(require.cache).filter((file) => file.includes("pm2-socket.io/lib")),
}))).listen(process.env.PORT);
`;

test("an app without Socket.IO finds itself in PM2's own container, and its port is its own", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  const path = daemon.write(`${folderWith()}/plain.js`, APP);
  expect((await daemon.pm2("start", path, "-i", "2", "--port", String(port))).code).toBe(0);

  const { body } = await until(() => fetchPlain(port).catch(() => undefined), "the app to listen");

  const { pid, argv, main, loaded } = JSON.parse(body);
  expect(argv[1]).toMatch(/node_modules\/pm2\/lib\/ProcessContainer\.js$/);
  expect(main).toBe(true);
  // Nothing of ours but what waits for Socket.IO: no adapter, no server, no link.
  for (const file of loaded) expect(file).not.toMatch(/worker\/(?:link|http|adapter|recovery|handover)\//);
  // The pipe for the link is there, and nobody has opened it.
  expect(readlinkSync(`/proc/${pid}/fd/4`)).toMatch(/^socket:/);
  expect(await daemon.sticky()).toEqual([]);
});

test("with `sticky: false` an app runs in PM2's own container, and has no pipe of ours", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("plain.js", APP);
  const app = { script: "plain.js", instances: 2, exec_mode: "cluster", env: { PORT: port }, sticky: false };
  daemon.write("ecosystem.config.js", ecosystem(app));
  expect((await daemon.pm2("start", "ecosystem.config.js")).code).toBe(0);

  const { body } = await until(() => fetchPlain(port).catch(() => undefined), "the app to listen");

  const { pid, loaded } = JSON.parse(body);
  expect(loaded).toEqual([]);
  // What was handed down at the fork: standard streams and the IPC channel.
  expect(readlinkSync(`/proc/${pid}/fd/3`)).toMatch(/^socket:/);
  expect(readlinkSync(`/proc/${pid}/fd/4`)).not.toMatch(/^socket:/);
});

test("the daemon opens no port by itself", async () => {
  const daemon = new Daemon();
  await daemon.pm2("ping");
  expect(listeningInodes().filter((inode) => socketsOf(daemon.pid).includes(inode))).toEqual([]);
});

function socketsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).match(/^socket:\[(\d+)\]$/)?.[1] ?? [];
    } catch {
      return []; // closed meanwhile
    }
  });
}

/** Of all listening TCP sockets. */
function listeningInodes(): string[] {
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) =>
    readFileSync(table, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === "0A")
      .map((columns) => columns[9]!),
  );
}
