import { expect, test } from "vitest";
import { pids, START, startApp, worker } from "../helpers/planned-stops";
import { trafficDuring } from "../helpers/traffic";

for (const instances of [1, 2, 3]) {
  test(`a reload of ${instances} workers fails no request`, async () => {
    const { daemon, port } = await startApp(worker() + START, instances);
    const before = await pids(daemon);
    const { failed, answered } = await trafficDuring(port, async () => {
      expect((await daemon.pm2("reload", "app")).code).toBe(0);
    });
    const after = await pids(daemon);
    expect(failed).toEqual([]);
    expect(after).toHaveLength(instances);
    expect(after.some((pid) => before.includes(pid))).toBe(false);
    expect([...answered.keys()].some((pid) => after.includes(Number(pid)))).toBe(true);
  });
}
