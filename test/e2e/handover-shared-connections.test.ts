import { Agent } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { RECOVERABLE, startApp } from "../helpers/planned-stops";
import { PollingClient } from "../helpers/polling-client";

const RELOADS = 3;
const CLIENTS = 8;

/** As a browser does it: requests of all its tabs take turns on the same connections. */
test("sessions whose requests share kept-alive connections do not notice reloads", async () => {
  const { daemon, port } = await startApp(RECOVERABLE, 3);
  const shared = agent(3);
  const clients: PollingClient[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    const client = await PollingClient.connect(agent(1), port);
    client.moveTo(shared);
    clients.push(client);
  }
  let reloading = true;
  const busy = clients.map(async (client) => {
    const pids = new Set<unknown>();
    while (reloading) pids.add(await client.emitWithAck("who"));
    return pids.size;
  });
  for (let i = 0; i < RELOADS; i++) expect((await daemon.pm2("reload", "app")).code).toBe(0);
  reloading = false;
  for (const workers of await Promise.all(busy)) expect(workers).toBeGreaterThan(RELOADS - 1);
});

function agent(maxSockets: number): Agent {
  const made = new Agent({ keepAlive: true, maxSockets });
  onTestFinished(() => made.destroy());
  return made;
}
