import { expect, test } from "vitest";
import { Cluster, WORKER } from "../../../helpers/cluster";
import { RawClient } from "../../../helpers/raw-client";

test("a connection that finds no worker waits for one", async () => {
  const cluster = new Cluster(WORKER, { workers: 0 });
  await cluster.until(() => cluster.port > 0, "the port");
  const client = new RawClient({ port: cluster.port });
  client.send("GET", "/");
  cluster.fork();
  expect((await client.response()).status).toBe(200);
});

test("a connection that waited for a worker in vain is told to try again", async () => {
  const cluster = new Cluster(WORKER, { workers: 0 });
  await cluster.until(() => cluster.port > 0, "the port");
  const client = new RawClient({ port: cluster.port });
  const { status, headers } = await client.request("GET", "/");
  expect(status).toBe(503);
  expect(headers["retry-after"]).toMatch(/^\d+$/);
  await client.closed;
});
