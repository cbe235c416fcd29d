import { expect, test } from "vitest";
import { isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { OFFICIAL_CJS } from "../helpers/workers";

const REQUIRE = `
const assert = require("assert");
const pm2 = require("pm2-socket.io");
const { setupPrimary, setupMaster, setupWorker } = require("pm2-socket.io/sticky");
const adapter = require("pm2-socket.io/cluster-adapter");
`;
const IMPORT = `
import assert from "assert";
import pm2 from "pm2-socket.io";
import { setupPrimary, setupMaster, setupWorker } from "pm2-socket.io/sticky";
import * as adapter from "pm2-socket.io/cluster-adapter";
`;
const CHECK = `
for (const name of ["connect", "start", "reload", "list", "launchBus"]) assert(typeof pm2[name] === "function", name);
for (const each of [setupPrimary, setupMaster, setupWorker]) assert(typeof each === "function");
for (const name of ["createAdapter", "NodeClusterAdapter", "setupPrimary"]) {
  assert(typeof adapter[name] === "function", name);
}
`;

test.each([
  ["required", "check.cjs", REQUIRE + CHECK],
  ["imported", "check.mjs", IMPORT + CHECK],
])("the package and both of its subpaths can be %s", async (_, file, source) => {
  const daemon = new Daemon();
  const checked = await daemon.run(process.execPath, [daemon.write(file, source)]);
  expect(checked).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("require('pm2-socket.io') is PM2's programmatic API, and its daemon serves", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("worker.js", OFFICIAL_CJS);
  const program = `
    const pm2 = require("pm2-socket.io");
    pm2.connect((error) => {
      if (error) throw error;
      const app = { script: "worker.js", instances: 2, exec_mode: "cluster", sticky: { port: ${port} } };
      pm2.start(app, (error) => { if (error) throw error; pm2.disconnect(); });
    });`;
  const ran = await daemon.run(process.execPath, [daemon.write("start.js", program)]);
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  await daemon.ready(2);
  await isServedAsCluster(port);
});

test("the programmatic API refuses a wrong option as the command does", async () => {
  const daemon = new Daemon();
  daemon.write("worker.js", OFFICIAL_CJS);
  const program = `
    const pm2 = require("pm2-socket.io");
    pm2.connect(() => {
      pm2.start({ script: "worker.js", exec_mode: "cluster", sticky: { prot: 1 } }, (error) => {
        console.log("error: " + JSON.stringify(error && (error.message || error)));
        pm2.disconnect();
      });
    });`;
  const { stdout } = await daemon.run(process.execPath, [daemon.write("start.js", program)]);
  expect(stdout).toMatch(/error: .*sticky\.prot.* is unknown/);
  expect(await daemon.list()).toEqual([]);
});
