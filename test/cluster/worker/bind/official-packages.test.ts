import { expect, test } from "vitest";
import { connected, clients as open, upgraded } from "../../../helpers/clients";
import { startCluster } from "../../../helpers/cluster";
import { heard, run, SCRIPTED, threeWorkers } from "../../../helpers/relay";

/** As it is in a bundle: the official packages, which nobody can replace. */
const OFFICIAL = SCRIPTED.replaceAll("pm2-socket.io/", "@socket.io/");

test("workers with official packages of their own are served over every transport", async () => {
  const { port, forked } = await startCluster(OFFICIAL, { workers: 3, serialization: "advanced" });
  const polling = open(port, 10, { transports: ["polling"] });
  const websocket = open(port, 10, { transports: ["websocket"] });
  const both = open(port, 10, { transports: ["polling", "websocket"] });
  await Promise.all([...[...polling, ...websocket].map(connected), ...both.map(upgraded)]);
  const all = [...polling, ...websocket, ...both];
  const pids = await Promise.all(all.map((client) => client.timeout(5000).emitWithAck("who")));
  expect(new Set(pids)).toEqual(new Set(forked));
});

test("workers with official packages of their own hear each other, and are reported", async () => {
  const { cluster, clients } = await threeWorkers({ serialization: "advanced" }, OFFICIAL);
  expect(await heard(clients, `io.emit("event", Buffer.from("hi"))`)).toEqual(
    Array(3).fill(Buffer.from("hi")),
  );
  expect(await run(clients[0]!, `io.fetchSockets().then((all) => all.length)`)).toBe(3);
  expect(await run(clients[0]!, `io.serverSideEmitWithAck("add", 1, 2)`)).toEqual([3, 3]);
  expect(cluster.output.match(/STICKY_IPC_LEGACY/g)).toHaveLength(3);
});
