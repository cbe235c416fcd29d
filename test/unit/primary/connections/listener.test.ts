import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type TcpNetConnectOpts } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { consoleLog } from "../../../../src/log";
import { Listener, type OwnHolder, type Refusal } from "../../../../src/primary/connections/listener";
import type { ListenAddress } from "../../../../src/protocol/messages";
import { clock } from "../../../helpers/clock";
import { until } from "../../../helpers/daemon";
import { listening } from "../../../helpers/sockets";

let refusals: Refusal[];
let connections: number;

beforeEach(() => {
  refusals = [];
  connections = 0;
});

const NOBODY: OwnHolder = () => ({ isMoving: false });

/** @param ownHolder what is known of this very process, where it holds the port */
function listener(
  address: ListenAddress,
  { isConfigured = true, ownHolder = NOBODY }: { isConfigured?: boolean; ownHolder?: OwnHolder } = {},
): Listener {
  const made = new Listener(address, isConfigured, consoleLog, clock, ownHolder, {
    onConnection: (socket) => {
      connections++;
      socket.end();
    },
    onOpen: () => {},
    onRefused: (refusal) => refusals.push(refusal),
  });
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
  expect(refusals).toEqual([]);
});

test("a port in use is refused, with who holds it, and opened when it is free", async () => {
  const holder = createServer();
  const port = await listening(holder);
  const ownHolder = (asked: number) => ({ holder: `the test has ${asked}`, isMoving: false });
  const blocked = listener({ port, host: "127.0.0.1" }, { ownHolder });
  blocked.open();
  await until(() => refusals[0], "the refusal");
  expect(blocked.state).toBe("failed");
  expect(refusals[0]).toEqual({ code: "EADDRINUSE", holder: `the test has ${port}`, isMoving: false });
  expect(blocked.refusal).toEqual(refusals[0]);

  await new Promise((resolve) => holder.close(resolve));
  await reaches(blocked, "open");
  expect(blocked.refusal).toBeUndefined();
});

test("a port that the app's own former workers have is opened in the moment in which they let go of it", async () => {
  const holder = createServer();
  const port = await listening(holder);
  const blocked = listener({ port, host: "127.0.0.1" }, { ownHolder: () => ({ isMoving: true }) });
  blocked.open();
  await until(() => refusals.length > 20 || undefined, "many attempts");
  await new Promise((resolve) => holder.close(resolve));
  await reaches(blocked, "open");
  await reach({ port });
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
  expect(refusals).toEqual([]);
});

test("but not if its path is a worker's word, and a file that is no socket never is", async () => {
  const path = join(folder(), "app.sock");
  await staleSocket(path);
  const told = listener({ path }, { isConfigured: false });
  told.open();
  await until(() => refusals[0], "the refusal");
  expect(lstatSync(path).isSocket()).toBe(true);

  const file = join(folder(), "data.db");
  writeFileSync(file, "precious");
  const onFile = listener({ path: file });
  onFile.open();
  await until(() => refusals[1], "the refusal");
  onFile.close();
  expect(readFileSync(file, "utf8")).toBe("precious");
  expect(refusals.map(({ code }) => code)).toEqual(["EADDRINUSE", "EADDRINUSE"]);
});

test("at its end it removes its own socket, and nothing that somebody has put in its place", async () => {
  const path = join(folder(), "app.sock");
  const first = listener({ path });
  first.open();
  await reaches(first, "open");
  first.close();
  expect(existsSync(path)).toBe(false);

  const second = listener({ path });
  second.open();
  await reaches(second, "open");
  unlinkSync(path);
  writeFileSync(path, "precious");
  second.close();
  expect(readFileSync(path, "utf8")).toBe("precious");
  expect(readdirSync(dirname(path))).toEqual(["app.sock"]);
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
  await until(() => refusals[0], "the refusal");
  expect(refusals[0]!.code).toBe("EADDRINUSE");
  await reach({ path });
  expect(connections).toBe(0);
});
