import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { START, startApp, worker } from "../helpers/planned-stops";

/** By the clock nobody would be pinged in this test. */
const OPTIONS = "{ connectionStateRecovery: {}, pingInterval: 600_000 }";

test("a client is pinged by each worker it moves to, so that reloads in a row are no silence to it", async () => {
  const { daemon, port } = await startApp(worker("", OPTIONS) + START, 2);
  const clients = ["websocket", "polling"].map((transport) => client(port, { transports: [transport] }));
  const pings = clients.map(() => 0);
  for (const [i, { io }] of clients.entries()) io.on("ping", () => pings[i]!++);
  for (const each of clients) await each.timeout(10_000).emitWithAck("who");

  for (let reload = 0; reload < 2; reload++) {
    const before = [...pings];
    expect((await daemon.pm2("reload", "app")).code).toBe(0);
    for (const i of clients.keys())
      await expect.poll(() => pings[i], { timeout: 10_000 }).toBeGreaterThan(before[i]!);
  }
  for (const each of clients) expect(each.connected).toBe(true);
});
