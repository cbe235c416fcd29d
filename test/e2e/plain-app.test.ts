import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { fetchPlain } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";
import { folderWith } from "../helpers/users-folder";

/** Tells what a worker can see of its container. */
const APP = `
require("http").createServer((req, res) => res.end(JSON.stringify({
  pid: process.pid,
  argv: process.argv,
  loaded: Object.keys(require.cache).filter((file) => file.includes("pm2-socket.io/lib")),
}))).listen(process.env.PORT);
`;

test("an app without Socket.IO runs in PM2's own container, and its port is its own", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  const path = daemon.write(`${folderWith()}/plain.js`, APP);
  expect((await daemon.pm2("start", path, "-i", "2", "--port", String(port))).code).toBe(0);

  const { body } = await until(() => fetchPlain(port).catch(() => undefined), "the app to listen");

  const { pid, argv, loaded } = JSON.parse(body);
  expect(loaded).toEqual([]);
  expect(argv[1]).toMatch(/node_modules\/pm2\/lib\/ProcessContainer\.js$/);
  // What was handed down at the fork: standard streams and the IPC channel, and no pipe of ours.
  expect(readlinkSync(`/proc/${pid}/fd/3`)).toMatch(/^socket:/);
  expect(readlinkSync(`/proc/${pid}/fd/4`)).not.toMatch(/^socket:/);
  expect(await daemon.sticky()).toEqual([]);
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
