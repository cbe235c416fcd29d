import { Agent } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { PollingClient } from "../../../helpers/polling-client";
import { recoverable } from "../../../helpers/recovery";
import { heard, run, SCRIPTED, threeWorkers } from "../../../helpers/relay";

const CODES = [
  ["without", SCRIPTED],
  ["with", recoverable()],
] as const;

/** Notes of each event that is written to a client whether it was to be compressed. */
const NOTING = `
const compressed = [];
io.on("connection", (socket) => {
  socket.conn.on("packetCreate", ({ data, options }) => {
    if (String(data).includes('"event"')) compressed.push(options.compress);
  });
});`;

test.each(CODES)("the emitter says for all workers whether to compress, %s recovery", async (_, code) => {
  const { clients } = await threeWorkers({}, code + NOTING);
  for (const how of ["io", "io.compress(false)", "io.compress(true)"]) {
    await heard(clients, `${how}.emit("event", 1)`);
  }
  for (const client of clients) expect(await run(client, "compressed")).toEqual([true, false, true]);
});

test.each(CODES)(
  "a volatile packet is dropped by the worker whose client cannot take it now, %s recovery",
  async (_, code) => {
    const { cluster, clients } = await threeWorkers({}, code);
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    // Between two polls nothing can be written to it.
    const poller = await PollingClient.connect(agent, cluster.port);
    const pid = await poller.emitWithAck("who");
    const pids = await Promise.all(clients.map((client) => client.emitWithAck("who")));
    const neighbour = clients[pids.indexOf(pid)]!;
    const sender = clients.find((client) => client !== neighbour)!;

    const both = `io.volatile.emit("event", "volatile"); io.emit("event", "lasting")`;
    expect(await heard([sender, neighbour], both)).toEqual(["volatile", "volatile"]);
    const [first] = await poller.poll();
    expect(first).toContain('"lasting"');
  },
);
