import { expect, test } from "vitest";
import { fetchPlain } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";

test("pm2 --help lists PM2's commands and options and ours", async () => {
  const { stdout } = await new Daemon().pm2("--help");
  expect(stdout).toMatch(/^ +start \[options\] /m);
  expect(stdout).toMatch(
    /^ +sticky \[options\] \[app\] +show the listeners and workers of Socket\.IO apps$/m,
  );
  expect(stdout).toMatch(/^ +--sticky +serve Socket\.IO from one public port/m);
  expect(stdout).toMatch(/^ +--port <port> +set the app's PORT/m);
});

test("pm2 sticky --help shows its options", async () => {
  const { code, stdout } = await new Daemon().pm2("sticky", "--help");
  expect(code).toBe(0);
  expect(stdout).toContain("Usage: pm2 sticky [options] [command] [app]");
  expect(stdout).toMatch(/--json +print JSON/);
});

test("the shell's completion knows `sticky` beside PM2's commands", async () => {
  const daemon = new Daemon({ COMP_CWORD: "1", COMP_LINE: "pm2 st", COMP_POINT: "6" });
  const { stdout } = await daemon.pm2("completion", "--", "pm2", "st");
  expect(stdout.trim().split("\n")).toEqual(expect.arrayContaining(["start", "stop", "sticky"]));
});

test("pm2 serve keeps its own --port", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("page.txt", "a page");
  expect((await daemon.pm2("serve", ".", "--port", String(port))).code).toBe(0);
  const answer = await until(
    () => fetchPlain(port, "/page.txt").catch(() => undefined),
    "the server to listen",
  );
  expect(answer).toMatchObject({ status: 200, body: "a page" });
  expect(await daemon.sticky()).toEqual([]);
});

test.each(["serve", "sticky"])(
  "an app that is called %s, like a command, is started as any other",
  async (name) => {
    const daemon = new Daemon();
    const port = await freePort();
    daemon.write(
      "app.js",
      `require("http").createServer((req, res) => res.end(process.env.PORT)).listen(${port})`,
    );
    expect((await daemon.pm2("--name", name, "start", "app.js", "--port", "4321")).code).toBe(0);
    expect((await until(() => fetchPlain(port).catch(() => undefined), "the app to listen")).body).toBe(
      "4321",
    );
  },
);
