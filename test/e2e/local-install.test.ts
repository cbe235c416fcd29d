import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";

test.each(["pm2", "pm2-runtime", "pm2-dev", "pm2-docker"])(
  "after a local install, npx %s is ours, not the bundled one's",
  (command) => {
    const modules = join(inject("installed"), "node_modules");
    const linked = realpathSync(join(modules, ".bin", command));
    expect(linked).toBe(realpathSync(join(modules, "pm2-socket.io/bin", command)));
    expect(existsSync(join(modules, "pm2"))).toBe(false);
  },
);

test("an install runs no script of ours, of which npm would warn", () => {
  const manifest = join(inject("installed"), "node_modules/pm2-socket.io/package.json");
  const { scripts } = JSON.parse(readFileSync(manifest, "utf8"));
  const run = ["preinstall", "install", "postinstall", "prepare"];
  expect(Object.keys(scripts).filter((script) => run.includes(script))).toEqual([]);
});
