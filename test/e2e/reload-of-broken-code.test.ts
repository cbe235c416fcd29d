import { expect, test } from "vitest";
import { fetchPlain } from "../helpers/app-clients";
import { expectNoOrphan, pids, START, startApp, worker } from "../helpers/planned-stops";

const BROKEN = {
  "throws when it is loaded": `throw new Error("boom at load");`,
  "exits before it is ready": `console.error("boom at load"); setTimeout(() => process.exit(3), 100);`,
  "never becomes ready": `console.error("boom at load"); setInterval(() => {}, 1000);`,
};

for (const [what, source] of Object.entries(BROKEN)) {
  test(`a reload onto code that ${what} leaves the old workers in place and says why`, async () => {
    const { daemon, port } = await startApp(worker() + START, 2, { startTimeout: 5000 });
    const before = await pids(daemon);
    daemon.write("app.js", source);
    for (const target of ["app", "ecosystem.config.js"]) {
      const { code, stdout, stderr } = await daemon.pm2("reload", target);
      expect(code).not.toBe(0);
      expect(stdout + stderr).toContain("reload of app (id ");
      expect(stdout + stderr).toContain("boom at load");
    }
    expect(await pids(daemon)).toEqual(before);
    expect((await fetchPlain(port)).status).toBe(200);
    await expectNoOrphan(daemon);

    daemon.write("app.js", worker() + START);
    expect((await daemon.pm2("reload", "app")).code).toBe(0);
    expect((await pids(daemon)).some((pid) => before.includes(pid))).toBe(false);
  });
}
