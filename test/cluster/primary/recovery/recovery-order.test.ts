import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connectedClients } from "../../../helpers/clients";
import { LINKS } from "../../../helpers/cluster";
import { breaks, caughtUp, comesBack, heardBy, senderAndLeaver, workerOf } from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

const ROUNDS = 200;

/** Sends numbered packets, as fast as they are acknowledged. */
async function sendAll(sender: Socket, name: string): Promise<void> {
  for (let i = 0; i < ROUNDS; i++) await run(sender, `io.to("room").emit("n", "${name}${i}"); 0`);
}

test.each(LINKS)(
  "clients that come and go hear everything of two workers once, in one order (%o)",
  async (link) => {
    const { cluster, sender, leaver } = await senderAndLeaver({ ...link, workers: 3 });
    const how = { reconnection: false, transports: ["polling"] };
    const [other] = (await connectedClients(cluster.port, 1, how)) as [Socket];
    const [stayer] = (await connectedClients(cluster.port, 1)) as [Socket];
    const [second] = (await connectedClients(cluster.port, 1)) as [Socket];
    expect(await workerOf(second)).not.toBe(await workerOf(sender));
    const leavers = [leaver, other];
    const hearers = [stayer, ...leavers];
    const diaries = hearers.map(heardBy);
    for (const hearer of hearers) await run(hearer, `socket.join("room"); 0`);

    let sending = true;
    const trips = leavers.map(async (client) => {
      const workers = new Set<number>();
      while (sending) {
        await breaks(client);
        expect(await comesBack(client)).toBe(true);
        workers.add(await workerOf(client));
      }
      return workers.size;
    });
    await Promise.all([sendAll(sender, "a"), sendAll(second, "b")]);
    sending = false;
    for (const workers of await Promise.all(trips)) expect(workers).toBeGreaterThan(1);
    await Promise.all(hearers.map(caughtUp));

    const [all] = diaries as [string[], ...unknown[]];
    for (const name of ["a", "b"]) {
      const mine = all.filter((value) => value.startsWith(name));
      expect(mine).toEqual(Array.from({ length: ROUNDS }, (_, i) => `${name}${i}`));
    }
    expect(diaries).toEqual([all, all, all]);
  },
);
