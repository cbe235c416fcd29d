import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { ROOT } from "../../../helpers/build";
import { startCluster, WORKER } from "../../../helpers/cluster";

/** The code of the error that this code throws outside a cluster. */
function codeOf(code: string): string {
  const script = `try { ${code}; console.log("nothing"); } catch (error) { console.log(error.code); } process.exit()`;
  return execFileSync(process.execPath, ["-e", script], { cwd: ROOT, encoding: "utf8" }).trim();
}

const STICKY = `require("pm2-socket.io/sticky")`;
const SERVER = `new (require("socket.io").Server)(require("http").createServer())`;
const UNATTACHED = `new (require("socket.io").Server)()`;
const TLS_SERVER = `require("https").createServer()`;

test.each([
  ["setupWorker outside a worker", `${STICKY}.setupWorker(${SERVER})`, "STICKY_NOT_WORKER"],
  [
    "setupWorker for a server without HTTP server",
    `${STICKY}.setupWorker(${UNATTACHED})`,
    "STICKY_UNATTACHED",
  ],
  ["setupPrimary for an HTTPS server", `${STICKY}.setupPrimary(${TLS_SERVER})`, "STICKY_TLS"],
  ["setupMaster for an HTTPS server", `${STICKY}.setupMaster(${TLS_SERVER})`, "STICKY_TLS"],
])("%s fails with %s", (_, code, expected) => {
  expect(codeOf(code)).toBe(expected);
});

test.each([
  ["setupPrimary", `require("pm2-socket.io/sticky").setupPrimary(createServer())`, "STICKY_NOT_PRIMARY"],
  ["setupMaster", `require("pm2-socket.io/sticky").setupMaster(createServer())`, "STICKY_NOT_PRIMARY"],
  [
    "the adapter's setupPrimary",
    `require("pm2-socket.io/cluster-adapter").setupPrimary()`,
    "STICKY_NOT_PRIMARY",
  ],
  ["setupWorker for a second HTTP server", `setupWorker(new Server(createServer()))`, "STICKY_SECOND_SERVER"],
  [
    "setupWorker for an HTTP/2 server",
    `setupWorker(new Server(require("node:http2").createServer()))`,
    "STICKY_UNSERVED",
  ],
  ["setupWorker again", `setupWorker(io)`, "none"],
])("in a worker, %s gives %s", async (_, code, expected) => {
  const tell = `try { ${code}; process.send("none") } catch (error) { process.send(error.code) }`;
  const cluster = await startCluster(`${WORKER}\n${tell}`, { workers: 1 });
  await cluster.until(() => cluster.messages.length > 0, "the worker's word");
  expect(cluster.messages.map(({ message }) => message)).toEqual([expected]);
});

test("in a worker, setupWorker for an HTTPS server gives STICKY_TLS", async () => {
  const code = `${WORKER.replace('require("node:http")', 'require("node:https")').replace(
    "setupWorker(io);",
    "try { setupWorker(io) } catch (error) { process.send(error.code) } setInterval(() => {}, 1e6);",
  )}`;
  const cluster = await startCluster(code.replace("io.adapter(createAdapter());", ""), { workers: 0 });
  cluster.fork();
  await cluster.until(() => cluster.messages.length > 0, "the worker's word");
  expect(cluster.messages[0]!.message).toBe("STICKY_TLS");
});
