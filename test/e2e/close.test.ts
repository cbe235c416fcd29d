import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fetchPlain } from "../helpers/app-clients";
import { Daemon, until } from "../helpers/daemon";

/** Worker 0 closes its server on request, while that very request is open; the other one stays. */
const APP = `
const { appendFileSync } = require("fs");
const log = (what) => appendFileSync(__dirname + "/log", what + "\\n");
const server = require("http").createServer((req, res) => {
  if (req.url !== "/close") return res.end(process.pid + "");
  server.close((error) => log("callback " + error));
  log("closing");
  process.once("message", () => { log("answered"); res.end(process.pid + ""); });
});
new (require("socket.io").Server)(server);
server.listen(0);
// So that PM2 does not take the worker for dead.
setInterval(() => {}, 1000);
`;

test("close() ends a worker's service: its callback comes after open requests, others take over", async () => {
  const daemon = new Daemon();
  daemon.write("app.js", APP);
  await daemon.pm2("start", "app.js", "-i", "2", "--sticky");
  const { address } = await daemon.ready(2);
  const { port } = address as { port: number };

  const answer = fetchPlain(port, "/close");
  const closed = await until(
    async () => (await daemon.sticky())[0]!.workers.find(({ state }) => state === "closed"),
    "a worker to close its server",
  );
  // While its request is open, and after it, the other worker answers.
  expect(new Set([await pidThatAnswers(port), await pidThatAnswers(port)])).not.toContain(closed.pid);
  const log = () => readFileSync(join(daemon.folder, "log"), "utf8").trim().split("\n");
  expect(log()).toEqual(["closing"]);

  const { pm_id } = (await daemon.list()).find(({ pid }) => pid === closed.pid)!;
  await daemon.run(process.execPath, ["-e", sendMessage(daemon.installed, pm_id)]);
  expect(Number((await answer).body)).toBe(closed.pid);
  await until(() => (log().length === 3 ? true : undefined), "the callback of close()");
  expect(log()).toEqual(["closing", "answered", "callback undefined"]);
  expect(new Set([await pidThatAnswers(port), await pidThatAnswers(port)])).not.toContain(closed.pid);
});

async function pidThatAnswers(port: number): Promise<number> {
  return Number((await fetchPlain(port)).body);
}

/** A program that lets PM2 send a message to one of its processes. */
function sendMessage(installed: string, id: number): string {
  return `
    const pm2 = require(${JSON.stringify(join(installed, "node_modules/pm2-socket.io"))});
    pm2.connect(() => pm2.sendDataToProcessId({ id: ${id}, type: "go", topic: "go", data: {} }, () => pm2.disconnect()));`;
}
