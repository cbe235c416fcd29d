import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { connectedClients } from "../helpers/clients";
import { collect, type Daemon, until } from "../helpers/daemon";
import { RECOVERABLE, startApp, untilSessions } from "../helpers/planned-stops";

/** A worker that answers when there is a file: its drain has to wait for that. */
const SLOW = RECOVERABLE.replace(
  'socket.on("who"',
  `socket.on("slowly", (answer) => {
    const timer = setInterval(() => require("fs").existsSync("answer") && answer(clearInterval(timer)), 20);
  });
  socket.on("who"`,
);

/** The command as on a terminal: what it has written so far, and all of it. */
function onTerminal(daemon: Daemon, ...args: string[]) {
  const terminal = daemon.write(
    "terminal.js",
    "Object.assign(process.stdout, { isTTY: true, columns: 100 });",
  );
  const pm2 = join(daemon.installed, "node_modules/pm2-socket.io/bin/pm2");
  const child = daemon.spawn("node", ["--require", terminal, pm2, ...args]);
  const screen = { text: "" };
  child.stdout!.on("data", (text) => {
    screen.text += text;
  });
  return { screen, end: collect(child) };
}

test("a reload says for each worker how many sessions have moved, before PM2 says that it is done", async () => {
  const { daemon, port } = await startApp(RECOVERABLE, 2);
  const quiet = (await daemon.pm2("reload", "app")).stdout;
  expect(quiet).not.toContain("sessions");

  await connectedClients(port, 4);
  await untilSessions(daemon, 4);
  const { stdout } = await daemon.pm2("reload", "app");
  const done = stripVTControlCharacters(stdout)
    .split("\n")
    .filter((line) => /\]\(\d\)/.test(line));
  expect(done).toEqual([
    expect.stringMatching(/^\[PM2\] \[app\]\(\d\) \d sessions moved$/),
    expect.stringMatching(/^\[PM2\] \[app\]\(\d\) ✓$/),
    expect.stringMatching(/^\[PM2\] \[app\]\(\d\) \d sessions moved$/),
    expect.stringMatching(/^\[PM2\] \[app\]\(\d\) ✓$/),
  ]);
  expect((await daemon.pm2("reload", "app", "--silent")).stdout).not.toContain("sessions");
  expect((await daemon.pm2("stop", "0")).stdout).toMatch(/\[app\]\(0\) \d sessions moved$/m);
});

test("on a terminal one line per worker is rewritten while sessions move", async () => {
  const { daemon, port } = await startApp(SLOW, 1, { handover: { timeout: 60_000 } });
  const clients = await connectedClients(port, 4);
  const answered = clients[0]!.emitWithAck("slowly");
  await clients[0]!.emitWithAck("who");
  await untilSessions(daemon, 4);
  const { screen, end } = onTerminal(daemon, "reload", "app");
  await until(() => screen.text.includes("[app](0) 3 of 4 sessions moved\n") || undefined, "three to move");
  daemon.write("answer", "");
  await answered;
  expect((await end).code).toBe(0);
  const rewritten = "\x1b[1A\x1b[0J";
  expect(screen.text).toContain(`[app](0) 3 of 4 sessions moved\n${rewritten}`);
  expect(screen.text).toMatch(/\[app\]\(0\) 4 sessions moved\n.*\[app\]\(0\) ✓\n/);
});
