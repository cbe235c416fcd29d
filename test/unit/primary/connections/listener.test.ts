import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type TcpNetConnectOpts } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { Listener } from "../../../../src/primary/connections/listener";
import { clock } from "../../../helpers/clock";
import { until } from "../../../helpers/daemon";
import { listening } from "../../../helpers/sockets";

let errors: string[];
let infos: string[];
let connections: number;

beforeEach(() => {
  errors = [];
  infos = [];
  connections = 0;
});

function listener(address: ConstructorParameters<typeof Listener>[1]): Listener {
  const log = { info: (line: string) => infos.push(line), error: (line: string) => errors.push(line) };
  const made = new Listener(
    "shop",
    address,
    log,
    clock,
    (socket) => {
      connections++;
      socket.end();
    },
    () => {},
  );
  onTestFinished(() => made.close());
  return made;
}

const reaches = (made: Listener, state: Listener["state"]) =>
  until(() => made.state === state || undefined, `the listener to be ${state}`);

const reach = (to: { port: number } | { path: string }) =>
  new Promise((resolve, reject) => {
    const client = connect({ host: "127.0.0.1", ...to } as TcpNetConnectOpts);
    client.on("error", reject).resume().once("close", resolve);
  });

test("it opens, tells its address, takes connections and closes", async () => {
  const open = listener({ port: 0, host: "127.0.0.1" });
  expect(open.publicAddress).toBeUndefined();
  open.open();
  await reaches(open, "open");
  const address = open.publicAddress as { port: number };
  await reach(address);
  expect(connections).toBe(1);
  open.close();
  await expect(reach(address)).rejects.toThrow("ECONNREFUSED");
  expect([...errors, ...infos]).toEqual([]);
});

test("a port in use is reported once, with who holds it, and opened when it is free", async () => {
  const holder = createServer();
  const port = await listening(holder);
  // The holder is this very process, which is passed over once: an app may be moving from it.
  const blocked = listener({ port, host: "127.0.0.1" });
  blocked.open();
  await until(() => errors[0], "the report");
  expect(blocked.state).toBe("failed");
  expect(errors[0]).toMatch(`app "shop" cannot listen on 127.0.0.1:${port}: EADDRINUSE`);
  expect(errors[0]).toMatch(/\[STICKY_PORT\]/);
  expect(blocked.error).toMatch(`held by pid ${process.pid}`);

  await new Promise((resolve) => holder.close(resolve));
  await reaches(blocked, "open");
  expect(errors).toHaveLength(1);
  expect(infos).toEqual([`app "shop" listens on 127.0.0.1:${port} now`]);
  expect(blocked.error).toBeUndefined();
});

test("a listener that is closed while its port is in use does not come back", async () => {
  const holder = createServer();
  const port = await listening(holder);
  const blocked = listener({ port, host: "127.0.0.1" });
  blocked.open();
  await reaches(blocked, "failed");
  blocked.close();
  await new Promise((resolve) => holder.close(resolve));
  expect(blocked.state).toBe("closed");
  await expect(reach({ port })).rejects.toThrow("ECONNREFUSED");
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "pm2sio-listener-"));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

/** What a killed process leaves behind: a socket that nobody serves. */
async function staleSocket(path: string): Promise<void> {
  const { spawnSync } = await import("node:child_process");
  const code = `require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", code, path]);
}

test("a Unix socket that nobody serves any more is replaced", async () => {
  const path = join(folder(), "app.sock");
  await staleSocket(path);
  await expect(reach({ path })).rejects.toThrow("ECONNREFUSED");
  const open = listener({ path });
  open.open();
  await reaches(open, "open");
  await reach({ path });
  expect(open.publicAddress).toBe(path);
  expect(errors).toEqual([]);
});

test("a Unix socket that somebody serves is left alone", async () => {
  const path = join(folder(), "app.sock");
  const holder = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => holder.listen(path, resolve));
  onTestFinished(() => {
    holder.close();
  });
  const blocked = listener({ path });
  blocked.open();
  await until(() => errors[0], "the report");
  expect(errors[0]).toMatch(`cannot listen on ${path}: EADDRINUSE`);
  await reach({ path });
  expect(connections).toBe(0);
});
