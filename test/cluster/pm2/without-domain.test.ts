import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../../helpers/build";

/** PM2's own daemon, with another inside; it would start a new one after an error. */
const DAEMON = `
  const { withoutDomain } = require(${JSON.stringify(join(ROOT, "lib/pm2/without-domain.js"))});
  require("child_process").spawn = (_, [, action]) => (console.log("spawns", action), { on() {} });
  const Daemon = require("pm2/lib/Daemon.js");
  Daemon.prototype.innerStart = () => {
    console.log("in a domain:", Boolean(process.domain));
    setTimeout(() => {
      setTimeout(() => {
        const { Domain, create } = require("domain");
        console.log("later domains:", create() instanceof Domain);
        throw new Error("the second");
      }, 10);
      throw new Error("the first");
    });
  };
  withoutDomain(() => new Daemon().start());
`;

test("PM2's daemon runs in no domain, hears of the first error that nobody catches, and ends at the second", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["-e", DAEMON], {
    ...{ cwd: ROOT, encoding: "utf8", timeout: 20_000 },
  });
  expect(stdout).toContain("in a domain: false");
  expect(stdout).toContain("PM2 global error caught");
  expect(stdout).toContain("spawns update");
  expect(stderr).toContain("the first");
  expect(stdout).toContain("later domains: true");
  expect(stderr).toContain("the second");
  expect(status).toBe(1);
});
