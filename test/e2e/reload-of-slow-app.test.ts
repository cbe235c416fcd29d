import { expect, test } from "vitest";
import { expectNoOrphan, pids, START, startApp, worker } from "../helpers/planned-stops";
import { trafficDuring } from "../helpers/traffic";

const SLOW = `${worker()} setTimeout(start, 4500);`;

test("an app that needs longer than PM2's listen_timeout is waited for; the old workers serve meanwhile", async () => {
  const { daemon, port } = await startApp(worker() + START, 2);
  daemon.write("app.js", SLOW);
  const { failed } = await trafficDuring(port, async () => {
    expect((await daemon.pm2("reload", "app")).code).toBe(0);
  });
  expect(failed).toEqual([]);
  await expectNoOrphan(daemon);
});

test("an app with wait_ready is ready when it says so", async () => {
  const { daemon, port } = await startApp(worker() + START, 1);
  daemon.write("app.js", `${worker() + START} setTimeout(() => process.send("ready"), 1500);`);
  const app = {
    name: "app",
    script: "app.js",
    instances: 1,
    exec_mode: "cluster",
    wait_ready: true,
    sticky: { port },
  };
  daemon.write("ecosystem.config.js", `module.exports = ${JSON.stringify({ apps: [app] })};`);
  const [old] = await pids(daemon);
  const { failed, answered } = await trafficDuring(port, async () => {
    expect((await daemon.pm2("reload", "ecosystem.config.js")).code).toBe(0);
  });
  expect(failed).toEqual([]);
  expect([...answered.keys()][0]).toBe(String(old));
});

test("what happens to the app during a reload leaves no orphan", async () => {
  for (const command of ["delete", "stop", "restart"]) {
    const { daemon } = await startApp(worker() + START, 1);
    daemon.write("app.js", SLOW);
    const reload = daemon.pm2("reload", "app");
    await daemon.pm2("reload", "app", "--force");
    expect((await daemon.pm2(command, "app")).code).toBe(0);
    await reload;
    await expectNoOrphan(daemon);
  }
});
