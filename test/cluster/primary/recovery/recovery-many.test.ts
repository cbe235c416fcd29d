import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connected, connectedClients, clients as makeClients } from "../../../helpers/clients";
import { LINKS, startCluster } from "../../../helpers/cluster";
import { cuttingProxy } from "../../../helpers/cutting-proxy";
import { askedPrimary } from "../../../helpers/primary";
import { heardBy, kept, recoverable, workerOf } from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

const CLIENTS = 2000;
/** They come back within a second. */
const RETURN = { reconnectionDelay: 500, randomizationFactor: 1 };
const TIMEOUT_MS = 180_000;

/**
 * How long the primary was busy at most without looking at its timers, in ms of its own CPU time: the clock would also
 * count what else this machine has to do. The bound is generous, the benchmark has the exact figure.
 */
const LONGEST_TURN_MS = 150;
const WATCH = `
globalThis.longestTurn = 0;
let used = process.cpuUsage();
setInterval(() => {
  const { user, system } = process.cpuUsage(used);
  used = process.cpuUsage();
  globalThis.longestTurn = Math.max(globalThis.longestTurn, (user + system) / 1000);
}, 5);
0`;

const LOSSES = ["their worker is killed", "their network is cut and the worker has not noticed"] as const;
const CASES = [LINKS.at(0), LINKS.at(-1)].flatMap((link) => LOSSES.map((loss) => [loss, link] as const));

test.each(CASES)(
  `${CLIENTS} clients are restored at once when %s (%o)`,
  async (loss, link) => {
    const cluster = await startCluster(recoverable(), { ...link, primary: askedPrimary({}), workers: 1 });
    const network = await cuttingProxy(cluster.port);
    const clients: Socket[] = [];
    while (clients.length < CLIENTS) {
      const more = makeClients(network.port, 100, RETURN);
      await Promise.all(more.map(connected));
      clients.push(...more);
    }
    const ids = clients.map(({ id }) => id);
    const diaries = clients.map(heardBy);
    const victim = await workerOf(clients[0]!);
    for (let i = 0; i < 2; i++) await cluster.ask("fork()");
    await cluster.readyWorkers(3);
    const [sender] = (await connectedClients(cluster.port, 1)) as [Socket];
    await run(sender, `io.emit("n", 1); 0`);

    await cluster.ask(WATCH);
    const away = () => clients.filter((client) => client.disconnected).length;
    if (loss === LOSSES[0]) process.kill(victim, "SIGKILL");
    else network.cut();
    await cluster.until(() => away() > CLIENTS / 2, "clients to be away");
    await run(sender, `io.emit("n", 2); 0`);
    await cluster.until(() => diaries.every((diary) => diary.at(-1) === 2), "the packet for all", 60_000);
    expect(await cluster.ask("globalThis.longestTurn")).toBeLessThan(LONGEST_TURN_MS);

    await run(sender, `io.emit("n", 3); 0`);
    await cluster.until(() => diaries.every((diary) => diary.at(-1) === 3), "the last packet", 60_000);
    expect(clients.filter(({ recovered }) => !recovered)).toEqual([]);
    expect(clients.map(({ id }) => id)).toEqual(ids);
    expect(diaries.filter((diary) => String(diary) !== "1,2,3")).toEqual([]);
    expect(await kept(cluster)).toMatchObject({ sessions: CLIENTS + 1, evicted: 0 });
  },
  TIMEOUT_MS,
);
