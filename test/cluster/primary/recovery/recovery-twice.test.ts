import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connected, connectedClients, hears } from "../../../helpers/clients";
import { LINKS } from "../../../helpers/cluster";
import { cuttingProxy } from "../../../helpers/cutting-proxy";
import { breaks, caughtUp, comesBack, heardBy, senderAndLeaver } from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

/** How far a client gets that comes back and breaks off again at once. */
const MOMENTS: [string, (client: Socket) => Promise<void>][] = [
  ["when it has not asked for its session yet", opened],
  ["when it has asked for its session", (client) => opened(client).then(nextTurn)],
  ["when it has its session", connected],
];
const CASES = LINKS.flatMap((link) => MOMENTS.map(([moment, reach]) => [moment, link, reach] as const));

function opened({ io }: Socket): Promise<void> {
  return new Promise((resolve) => {
    io.once("open", () => resolve());
  });
}

function closed({ io }: Socket): Promise<void> {
  return new Promise((resolve) => {
    io.once("close", () => resolve());
  });
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test.each(CASES)(
  "a client that breaks off again %s is recovered the next time (%o)",
  async (_, link, reach) => {
    const { sender, leaver } = await senderAndLeaver({ ...link, workers: 3 });
    const got = heardBy(leaver);
    const { id } = leaver;
    await breaks(leaver);
    for (let n = 1; n <= 10; n++) {
      await run(sender, `io.emit("n", ${n}); 0`);
      const far = reach(leaver);
      leaver.connect();
      await far;
      const gone = closed(leaver);
      leaver.io.engine.close();
      await gone;
    }
    expect(await comesBack(leaver)).toBe(true);
    expect(leaver.id).toBe(id);
    await caughtUp(leaver);
    expect(got).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  },
);

test.each(LINKS)(
  "a client is recovered whose workers have not noticed that it was gone (%o)",
  async (link) => {
    const { cluster, sender } = await senderAndLeaver({ ...link, workers: 3 });
    const proxy = await cuttingProxy(cluster.port);
    const [leaver] = (await connectedClients(proxy.port, 1, { reconnection: false })) as [Socket];
    const got = heardBy(leaver);
    const { id } = leaver;
    for (let n = 1; n <= 10; n++) {
      const gone = hears(leaver, "disconnect");
      proxy.cut();
      await gone;
      await run(sender, `io.emit("n", ${n}); 0`);
      // Every other time it asks for its session, and does not wait for it.
      const far = n % 2 ? connected(leaver) : opened(leaver).then(nextTurn);
      leaver.connect();
      await far;
      if (n % 2) expect(leaver.recovered).toBe(true);
      else {
        const goneAgain = closed(leaver);
        proxy.cut();
        await goneAgain;
        expect(await comesBack(leaver)).toBe(true);
      }
    }
    expect(leaver.id).toBe(id);
    await caughtUp(leaver);
    expect(got).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  },
);
