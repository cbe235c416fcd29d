import { chmodSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { dirname } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { CHAT, client, fetchPlain, isServedAsCluster, refuses } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";
import { ecosystem } from "../helpers/workers";

/** A server with Socket.IO, listening on `listens`; `before` runs first. */
const server = (listens: string, options = "{}") => `
{
  const server = require("http").createServer((req, res) => res.end(String(process.pid)));
  const io = new (require("socket.io").Server)(server, ${options});
  ${CHAT}
  server.listen(${listens});
}`;

async function start(daemon: Daemon, source: string, more: object = {}): Promise<void> {
  daemon.write("app.js", source);
  const app = { name: "app", script: "app.js", instances: 2, exec_mode: "cluster", sticky: true, ...more };
  daemon.write("ecosystem.config.js", ecosystem(app));
  const started = await daemon.pm2("start", "ecosystem.config.js");
  expect(started, started.stderr).toMatchObject({ code: 0 });
}

test("two servers with Socket.IO on ports of their own are both served as clusters", async () => {
  const daemon = new Daemon();
  const [first, second] = [await freePort(), await freePort()];
  await start(daemon, server(`${first}`, "{ path: '/one' }") + server(`${second}`, "{ path: '/two' }"));
  await daemon.ready(2);
  for (const [port, path] of [
    [first, "/one"],
    [second, "/two"],
  ] as const) {
    for (const transport of ["polling", "websocket"]) {
      const pids = new Set<number>();
      for (let i = 0; i < 4; i++) {
        const each = client(port, { path, transports: [transport] });
        pids.add(await each.timeout(5000).emitWithAck("who"));
      }
      expect(pids.size).toBe(2);
    }
  }
});

test("one Socket.IO server that is attached to two HTTP servers is served on both", async () => {
  const daemon = new Daemon();
  const [first, second] = [await freePort(), await freePort()];
  await start(
    daemon,
    `const [a, b] = [1, 2].map(() => require("http").createServer());
    const io = new (require("socket.io").Server)({ connectionStateRecovery: {} });
    io.attach(a);
    io.attach(b);
    ${CHAT}
    a.listen(${first});
    b.listen(${second});`,
  );
  await daemon.ready(2);
  await isServedAsCluster(first);
  await isServedAsCluster(second);

  // Each session goes on at the server that its client is connected to.
  const clients = [first, second].flatMap((port) =>
    ["polling", "websocket"].map((transport) => client(port, { transports: [transport] })),
  );
  let disconnects = 0;
  for (const each of clients) {
    await each.timeout(5000).emitWithAck("who");
    each.on("disconnect", () => disconnects++);
  }
  expect((await daemon.pm2("reload", "app")).code).toBe(0);
  for (let i = 0; i < 3; i++) {
    for (const each of clients) expect(await each.timeout(5000).emitWithAck("who")).toBeGreaterThan(0);
  }
  expect(disconnects).toBe(0);
});

test("each worker may have a port of its own, and keeps it when another one crashes", async () => {
  const daemon = new Daemon();
  // PM2 counts up from the first.
  const first = await freeRow(3);
  await start(daemon, server("+process.env.PORT"), {
    instances: 3,
    increment_var: "PORT",
    env: { PORT: first },
  });
  const { workers } = await daemon.ready(3);
  const pids = async () =>
    Promise.all([0, 1, 2].map(async (i) => Number((await fetchPlain(first + i)).body)));
  const before = await pids();
  expect(before).toEqual(workers.map(({ pid }) => pid));
  process.kill(before[0]!, "SIGKILL");
  await until(
    async () => ((await daemon.ready(3)).workers[0]!.pid !== before[0] ? true : undefined),
    "a new worker",
  );
  expect((await pids()).slice(1)).toEqual(before.slice(1));
});

test("a reload onto another port serves there, and nowhere else afterwards", async () => {
  const daemon = new Daemon();
  const [former, next] = [await freePort(), await freePort()];
  await start(daemon, server("+process.env.PORT"), { env: { PORT: former } });
  await daemon.ready(2);
  const app = { name: "app", script: "app.js", instances: 2, exec_mode: "cluster", sticky: true };
  daemon.write("ecosystem.config.js", ecosystem({ ...app, env: { PORT: next } }));
  expect((await daemon.pm2("reload", "ecosystem.config.js")).code).toBe(0);
  await isServedAsCluster(next);
  expect(await refuses(former)).toBe(true);
});

test("an app that is renamed, or gets another namespace, takes its port along, and frees it at its end", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  await start(daemon, server(`${port}`, "{ connectionStateRecovery: {} }"));
  await daemon.ready(2);
  expect((await daemon.pm2("restart", "app", "--name", "other")).code).toBe(0);
  await daemon.ready(2, "other");
  await isServedAsCluster(port);
  expect((await daemon.sticky()).map(({ name }) => name)).toEqual(["other"]);
  expect((await daemon.pm2("reload", "other", "--namespace", "prod")).code).toBe(0);
  await isServedAsCluster(port);
  expect((await daemon.sticky()).map(({ namespace }) => namespace)).toEqual(["prod"]);
  await daemon.pm2("delete", "all");
  expect(await refuses(port)).toBe(true);
});

test("two entries of one name with scripts and ports of their own are served, each on its port", async () => {
  const daemon = new Daemon();
  const [first, second] = [await freePort(), await freePort()];
  daemon.write("one.js", server(`${first}`));
  daemon.write("two.js", server(`${second}`));
  const common = { name: "app", instances: 1, exec_mode: "cluster", sticky: true };
  daemon.write(
    "ecosystem.config.js",
    `module.exports = { apps: ${JSON.stringify([
      { ...common, script: "one.js" },
      { ...common, script: "two.js" },
    ])} };`,
  );
  await daemon.pm2("start", "ecosystem.config.js");
  const { workers } = await daemon.ready(2);
  const answers = await Promise.all(
    [first, second].map(async (port) => Number((await fetchPlain(port)).body)),
  );
  expect(new Set(answers)).toEqual(new Set(workers.map(({ pid }) => pid)));
});

test("an app that asks for another app's port is told whose it is, and gets it when that stops", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  await start(daemon, server(`${port}`));
  await daemon.ready(2);
  await start(daemon, server(`${port}`), { name: "second", instances: 1 });
  const line = `app "second" cannot listen on port ${port}: app "app" has it`;
  await until(() => daemon.log.includes(line) || undefined, "the line");
  expect((await daemon.sticky()).find(({ name }) => name === "second")).toMatchObject({
    addresses: [{ listener: `port ${port}`, state: "failed", error: 'app "app" has it', slots: [0] }],
  });
  await daemon.pm2("stop", "app");
  await daemon.ready(1, "second");
  expect((await fetchPlain(port)).status).toBe(200);
});

test("an app that asks for a port of a plain cluster app of this daemon is told its name", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  const plain = `require("http").createServer((req, res) => res.end("plain")).listen(${port});`;
  daemon.write("plain.js", plain);
  await daemon.pm2("start", "plain.js", "-i", "1");
  await until(async () => (await fetchPlain(port).catch(() => undefined)) && true, "the plain app");
  await start(daemon, server(`${port}`), { instances: 1 });
  const line = `app "app" cannot listen on port ${port}: EADDRINUSE, app "plain" of this daemon has it`;
  await until(() => daemon.log.includes(line) || undefined, "the line");
  expect((await fetchPlain(port)).body).toBe("plain");
  await daemon.pm2("delete", "plain");
  await daemon.ready(1);
});

/** The number of the user "nobody", and of the group "nogroup". */
const NOBODY = 65_534;

test("the servers of an app that runs as another user are its own", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  // PM2 itself runs as root here; the app's files have to be there for everybody.
  for (const folder of [daemon.installed, dirname(daemon.folder), daemon.folder, daemon.home]) {
    chmodSync(folder, 0o755);
  }
  await start(daemon, server(`${port}`), {
    ...{ uid: "nobody", gid: "nogroup" },
    // PM2 has the worker open its log files as that user.
    ...{ out_file: "/dev/null", error_file: "/dev/null" },
  });
  const { workers } = await daemon.ready(2);
  await isServedAsCluster(port);
  const { pid } = workers[0]!;
  const sockets = readFileSync(`/proc/${pid}/net/unix`, "utf8").matchAll(/\S+pm2-socket\.io-\S+/g);
  const folders = [...sockets].map(([path]) => statSync(dirname(path)));
  // Daemons of other tests run as root.
  const own = folders.filter((folder) => folder.uid === NOBODY);
  expect(own).toHaveLength(2);
  for (const { gid, mode } of own) expect([gid, mode & 0o777]).toEqual([NOBODY, 0o700]);
});

/** The first of so many free ports in a row. */
async function freeRow(count: number): Promise<number> {
  return until(async () => {
    const first = await freePort();
    for (let i = 1; i < count; i++) if (!(await refuses(first + i))) return undefined;
    return first;
  }, "free ports in a row");
}

test("a reload onto a port that somebody else has fails, says why, and keeps the old workers", async () => {
  const daemon = new Daemon();
  const [former, taken] = [await freePort(), await freePort()];
  const holder = createServer((_, res) => res.end("the holder")).listen(taken);
  onTestFinished(() => void holder.close());
  await start(daemon, server("+process.env.PORT"), { env: { PORT: former } });
  const { workers } = await daemon.ready(2);
  const app = { name: "app", script: "app.js", instances: 2, exec_mode: "cluster", sticky: true };
  daemon.write("ecosystem.config.js", ecosystem({ ...app, env: { PORT: taken } }));
  const { code, stdout, stderr } = await daemon.pm2("reload", "ecosystem.config.js");
  expect(code).toBe(1);
  expect(stdout + stderr).toContain(`cannot listen on port ${taken}: EADDRINUSE, held by pid ${process.pid}`);
  await isServedAsCluster(former);
  expect((await daemon.ready(2)).workers.map(({ pid }) => pid)).toEqual(workers.map(({ pid }) => pid));
});
