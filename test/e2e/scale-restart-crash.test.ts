import { expect, test } from "vitest";
import { until } from "../helpers/daemon";
import { expectNoOrphan, pids, START, startApp, worker } from "../helpers/planned-stops";
import { trafficDuring } from "../helpers/traffic";

const SOURCE = worker() + START;

test("scaling up and down fails no request", async () => {
  const { daemon, port } = await startApp(SOURCE, 2);
  const { failed } = await trafficDuring(port, async () => {
    await daemon.pm2("scale", "app", "+2");
    await daemon.ready(4);
    await daemon.pm2("scale", "app", "1");
    await daemon.ready(1);
  });
  expect(failed).toEqual([]);
  await expectNoOrphan(daemon);
});

test("a restart of all workers makes requests wait, not fail", async () => {
  const { daemon, port } = await startApp(SOURCE, 2);
  const before = await pids(daemon);
  const { failed } = await trafficDuring(port, async () => {
    expect((await daemon.pm2("restart", "app")).code).toBe(0);
    await daemon.ready(2);
  });
  expect(failed).toEqual([]);
  expect((await pids(daemon)).some((pid) => before.includes(pid))).toBe(false);
});

test("a killed worker takes only what it had in its hands, and is replaced", async () => {
  const { daemon, port } = await startApp(SOURCE, 2);
  const [victim] = await pids(daemon);
  const { failed, answered } = await trafficDuring(port, async () => {
    process.kill(victim!, "SIGKILL");
    await daemon.ready(2);
  });
  // At most one request on each of the four connections was with the worker when it died.
  expect(failed.length).toBeLessThanOrEqual(4);
  expect(answered.size).toBeGreaterThan(1);
  expect(await pids(daemon)).not.toContain(victim);
});

test("a worker that crashes after a reload is replaced as ever", async () => {
  const { daemon } = await startApp(SOURCE, 1);
  expect((await daemon.pm2("reload", "app")).code).toBe(0);
  const [victim] = await pids(daemon);
  process.kill(victim!, "SIGKILL");
  await until(
    async () => (await pids(daemon)).some((pid) => pid > 0 && pid !== victim) || undefined,
    "another",
  );
  await daemon.ready(1);
});

test("a worker that ignores its signal is killed after kill_timeout, and the daemon stays", async () => {
  const { daemon, port } = await startApp(`process.on("SIGINT", () => {}); ${SOURCE}`, 2);
  const god = daemon.pid;
  const { failed } = await trafficDuring(port, async () => {
    expect((await daemon.pm2("reload", "app")).code).toBe(0);
  });
  expect(failed).toEqual([]);
  await expectNoOrphan(daemon);
  expect(daemon.pid).toBe(god);
});
