import { expect, test } from "vitest";
import { connectedClients } from "../../../helpers/clients";
import { startCluster } from "../../../helpers/cluster";

async function sessionsPerWorker(method: "least-connection" | "round-robin" | "random"): Promise<number[]> {
  const { port, forked } = await startCluster(undefined, { workers: 4, method });
  const all = [];
  for (const transports of [["polling"], ["websocket"]]) {
    for (let i = 0; i < 20; i++) all.push(...(await connectedClients(port, 1, { transports })));
  }
  const pids = await Promise.all(all.map((client) => client.timeout(5000).emitWithAck("who")));
  return forked.map((pid) => pids.filter((each) => each === pid).length);
}

test("least-connection counts the sessions of all transports", async () => {
  expect(await sessionsPerWorker("least-connection")).toEqual([10, 10, 10, 10]);
});

test("random spreads the sessions", async () => {
  const counts = await sessionsPerWorker("random");
  expect(counts.reduce((a, b) => a + b)).toBe(40);
  expect(counts.filter((count) => count > 0).length).toBeGreaterThan(1);
});
