import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connectedClients, hears } from "../../../helpers/clients";
import { startCluster } from "../../../helpers/cluster";
import { askedPrimary } from "../../../helpers/primary";
import { breaks, comesBack, recoverable, senderAndLeaver, workerOf } from "../../../helpers/recovery";
import { run, SCRIPTED } from "../../../helpers/relay";

/** {@link recoverable}, for durations that are not JSON. */
function recoverableFor(duration: string): string {
  return recoverable({ maxDisconnectionDuration: "DURATION" }).replace('"DURATION"', duration);
}

test.each(["NaN", "undefined", '"2m"', "{}"])(
  "a maxDisconnectionDuration of %s is the default",
  async (ms) => {
    const { cluster, leaver } = await senderAndLeaver({ code: recoverableFor(ms) });
    await breaks(leaver);
    expect(await comesBack(leaver)).toBe(true);
    // Once per process, not per namespace.
    expect(cluster.output.match(/STICKY_RECOVERY_DURATION/g)).toHaveLength(2);
    expect(cluster.exited).toEqual([]);
  },
);

test.each(["null", '"120000"', "-1", "-Infinity"])(
  "a maxDisconnectionDuration of %s is the number that Socket.IO takes it for",
  async (ms) => {
    const cluster = await startCluster(recoverableFor(ms));
    await connectedClients(cluster.port, 2);
    expect(cluster.output).toBe("");
    expect(cluster.exited).toEqual([]);
  },
);

test.each(["42", "{}"])("a socket whose id is %s is served, and not restored", async (id) => {
  const code = `${recoverable()}; io.use((socket, next) => { socket.id = ${id}; next(); });`;
  const { cluster, leaver } = await senderAndLeaver({ code });
  await run(leaver, `socket.join("room"); socket.leave("room"); 0`);
  const got: unknown[] = [];
  leaver.on("n", (value) => got.push(value));
  await run(leaver, `io.emit("n", 1); io.local.emit("n", 2); socket.emit("n", 3); 0`);
  expect(got).toEqual([1, 2, 3]);
  await breaks(leaver);
  expect(await comesBack(leaver)).toBe(false);
  expect(cluster.exited).toEqual([]);
});

test.each([
  ["without", SCRIPTED],
  ["with", recoverable()],
])(
  "session ids that are numbers are claimed, and stay numbers for the app, %s recovery",
  async (_, worker) => {
    const code = `${worker}; let n = 0; io.engine.generateId = () => process.pid * 1000 + n++;`;
    const cluster = await startCluster(code);
    const clients = await connectedClients(cluster.port, 4, { transports: ["polling"] });
    const pids = await Promise.all(clients.map((client) => run(client, "process.pid")));
    expect(new Set(pids)).toEqual(new Set(cluster.forked));
    expect(await run(clients[0] as Socket, "typeof socket.conn.id")).toBe("number");
    for (const client of clients) client.close();
    expect(cluster.exited).toEqual([]);
    const [next] = (await connectedClients(cluster.port, 1)) as [Socket];
    expect(await run(next, "1")).toBe(1);
    expect(cluster.exited).toEqual([]);
  },
);

test.each([
  ["sockets", `io.use((socket, next) => { socket.id = Math.random(); next(); });`],
  ["sessions", `let n = 0; io.engine.generateId = () => process.pid * 1000 + n++;`],
])(
  "of a worker that drains, %s whose ids are numbers are closed, and their clients come back",
  async (_, odd) => {
    const primary = askedPrimary({ method: "round-robin" });
    const cluster = await startCluster(`${recoverable()}; ${odd}`, { primary });
    const clients = await connectedClients(cluster.port, 4, { reconnectionDelay: 10 });
    const gone = hears(clients[0]!, "disconnect");
    const first = await workerOf(clients[0]!);
    await cluster.ask(`[...app.workers].find(({ pid }) => pid === ${first}).drain(1000, 5000), 0`);
    await gone;
    const pids = await Promise.all(clients.map(workerOf));
    expect(pids).not.toContain(first);
    expect(cluster.exited).toEqual([]);
  },
);
