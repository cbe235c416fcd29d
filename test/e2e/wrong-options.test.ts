import { expect, test } from "vitest";
import { Daemon } from "../helpers/daemon";
import { ecosystem, OFFICIAL_CJS } from "../helpers/workers";

test.each([
  ["sticky", "yes", '"sticky" takes true, false or an object of options, but is "yes"'],
  ["sticky.port", { port: "3000" }, '"sticky.port" takes a port from 0 to 65535, but is "3000"'],
  ["sticky.method", { method: "fair" }, '"sticky.method" takes "least-connection", "round-robin", "random"'],
  ["sticky.queueTimeout", { queueTimeout: -1 }, '"sticky.queueTimeout" takes milliseconds from 1 to'],
  ["sticky.maxHeadSize", { maxHeadSize: true }, '"sticky.maxHeadSize" takes bytes from 64 to'],
  [
    "an unknown option",
    { prot: 3000 },
    '"sticky.prot" is unknown: sticky takes port, host, path, backlog, method,',
  ],
  ["port and path", { port: 1, path: "/tmp/x" }, '"sticky" takes a port or a path, not both'],
])(
  "a wrong %s is an error of pm2 start, which says what it takes; nothing is started",
  async (_, sticky, says) => {
    const daemon = new Daemon();
    daemon.write("worker.js", OFFICIAL_CJS);
    daemon.write("ecosystem.config.js", ecosystem({ script: "worker.js", exec_mode: "cluster", sticky }));

    const { code, stdout, stderr } = await daemon.pm2("start", "ecosystem.config.js");

    expect(stdout + stderr).toContain(says);
    expect(code).toBeGreaterThan(0);
    expect(await daemon.list()).toEqual([]);
  },
);

test("`sticky` in fork mode is an error of pm2 start", async () => {
  const daemon = new Daemon();
  daemon.write("worker.js", OFFICIAL_CJS);
  daemon.write("ecosystem.config.js", ecosystem({ script: "worker.js", exec_mode: "fork", sticky: true }));

  const { code, stdout, stderr } = await daemon.pm2("start", "ecosystem.config.js");

  expect(stdout + stderr).toContain('"sticky" needs cluster mode');
  expect(code).toBeGreaterThan(0);
  expect(await daemon.list()).toEqual([]);
});

test.each([
  ["python3", { script: "worker.js", interpreter: "python3" }],
  ["bun", { script: "worker.js", interpreter: "bun" }],
  ["nothing", { script: "worker.js", interpreter: "none" }],
  ["python", { script: "app.py" }],
  ["itself", { script: "binary" }],
])("`sticky` for an app that would be run by %s is an error of pm2 start", async (name, app) => {
  const daemon = new Daemon();
  daemon.write("worker.js", OFFICIAL_CJS);
  daemon.write("app.py", "print(1)");
  daemon.write("binary", "\0\u0001\0\u0002".repeat(100));
  daemon.write("ecosystem.config.js", ecosystem({ ...app, instances: 2, sticky: true }));

  const { code, stdout, stderr } = await daemon.pm2("start", "ecosystem.config.js");

  expect(stdout + stderr).toMatch(new RegExp(`would be run by "?${name}.*STICKY_INTERPRETER`));
  expect(code).toBeGreaterThan(0);
  expect(await daemon.list()).toEqual([]);
});

test("an interpreter other than Node on the command line is an error, too", async () => {
  const daemon = new Daemon();
  daemon.write("worker.js", OFFICIAL_CJS);
  const { code, stdout, stderr } = await daemon.pm2(
    ..."start worker.js -i 2 --sticky --interpreter python3".split(" "),
  );
  expect(stdout + stderr).toContain("STICKY_INTERPRETER");
  expect(code).toBeGreaterThan(0);
  expect(await daemon.list()).toEqual([]);
});
