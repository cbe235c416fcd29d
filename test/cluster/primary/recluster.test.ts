import { expect, test } from "vitest";
import { connectedClients, hears } from "../../helpers/clients";
import { Cluster } from "../../helpers/cluster";
import { heard, run, SCRIPTED } from "../../helpers/relay";

/** As the README of the official packages has it, with recluster in charge of the workers. */
const PRIMARY = `
const cluster = require("node:cluster");
const { createServer } = require("node:http");
const recluster = require("recluster");
const { code } = JSON.parse(process.env.OPTIONS);
process.env.CODE = code;
const httpServer = createServer();
require("pm2-socket.io/sticky").setupPrimary(httpServer);
require("pm2-socket.io/cluster-adapter").setupPrimary();
cluster.on("fork", (worker) => process.send({ forked: worker.process.pid }));
cluster.on("listening", (worker) => process.send({ ready: worker.process.pid }));
cluster.on("exit", (worker) => process.send({ exited: worker.process.pid }));
const balancer = recluster(__filename, { workers: 2, readyWhen: "listening", timeout: 1 });
balancer.run();
process.on("message", () => balancer.reload());
process.on("disconnect", () => process.exit());
httpServer.listen(0, () => process.send({ port: httpServer.address().port }));
`;

test("recluster forks workers that hear each other, and reloads them", async () => {
  const cluster = await new Cluster(SCRIPTED, { primary: PRIMARY }).readyWorkers(2);
  const clients = await connectedClients(cluster.port, 2);
  expect(await heard(clients, `io.emit("event", 1)`)).toEqual([1, 1]);

  const gone = clients.map((client) => hears(client, "disconnect"));
  cluster.fork();
  await cluster.readyWorkers(4);
  await cluster.until(() => cluster.exited.length === 2, "the former workers' end");
  await Promise.all(gone);
  const fresh = await connectedClients(cluster.port, 2);
  const pids = await Promise.all(fresh.map((client) => run(client, "process.pid")));
  expect(new Set(pids)).toEqual(new Set(cluster.ready.slice(2)));
  expect(await heard(fresh, `io.emit("event", 2)`)).toEqual([2, 2]);
});
