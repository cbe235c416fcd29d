/**
 * `npm run test:nodes`: the whole suite on each Node release we support, one after the other. Every `node`, `npm` and
 * `pm2` that the tests start runs on that release too, because it comes first in their PATH.
 *
 *     npm run test:nodes                                          all tests on all releases
 *     npm run test:nodes -- 22 24 test/e2e/official-worker.test.ts  one file on two of them
 */
const { execFileSync, spawnSync } = require("node:child_process");
const { delimiter, dirname, join } = require("node:path");

const RELEASES = ["20", "22", "24"];
const VITEST = join(__dirname, "../node_modules/vitest/vitest.mjs");

const args = process.argv.slice(2);
const chosen = args.filter((word) => /^\d+$/.test(word));
const forVitest = args.filter((word) => !/^\d+$/.test(word));

const failed = (chosen.length > 0 ? chosen : RELEASES).filter((release) => {
  const node = nodeOf(release);
  const env = { ...process.env, PATH: dirname(node) + delimiter + process.env.PATH };
  console.log(`\n— Node ${execFileSync(node, ["--version"], { encoding: "utf8" }).trim()}`);
  return spawnSync(node, [VITEST, "run", ...forVitest], { env, stdio: "inherit" }).status !== 0;
});

if (failed.length > 0) {
  console.error(`\nfailed on Node ${failed.join(", ")}`);
  process.exitCode = 1;
}

/** The path of a release's `node`, from the npm package of that name. */
function nodeOf(release) {
  const say = ["-p", "process.execPath"];
  return execFileSync("npx", ["--yes", `node@${release}`, ...say], { encoding: "utf8" }).trim();
}
