import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connected } from "../../../helpers/clients";
import { LINKS } from "../../../helpers/cluster";
import { run, SCRIPTED, threeWorkers } from "../../../helpers/relay";

/** Counts timers that are started, and messages that are deserialized, in a worker. */
const COUNTING = `
const counts = { timers: 0, deserialized: 0 };
for (const name of ["setTimeout", "setInterval"]) {
  const start = globalThis[name];
  globalThis[name] = Object.assign((...args) => {
    counts.timers++;
    return start(...args);
  }, start);
}
const v8 = require("node:v8");
const { deserialize } = v8;
v8.deserialize = (bytes) => {
  counts.deserialized++;
  return deserialize(bytes);
};
`;

const MANY = `${COUNTING}${SCRIPTED.replace(
  "new Server(httpServer, {",
  "new Server(httpServer, { connectionStateRecovery: {},",
).replace("createAdapter()", "createAdapter({ heartbeatInterval: 100, heartbeatTimeout: 200 })")}
const before = counts.timers;
for (let i = 0; i < 1000; i++) io.of("/tenant-" + i).on("note", () => { io.noted = i; });
counts.started = counts.timers - before;
`;

const NOTHING_FOR = 1500;

test("a thousand namespaces in which nothing happens start no timer and send nothing", async () => {
  const env = { NODE_DEBUG: "pm2-socket.io-frames" };
  const { cluster, clients } = await threeWorkers({ env, serialization: "advanced", pipe: true }, MANY);
  // The data of the three clients is looked at, and told once, as it is with one namespace.
  const isFrame = (line: string) => line.includes("PM2-SOCKET.IO-FRAMES") && !line.includes(": session-data");
  const frames = () => cluster.output.split("\n").filter(isFrame);
  for (const client of clients) expect(await run(client, "counts.started")).toBe(0);
  // Each worker has told of its adapters and heard of its peers; what has not changed is not said again.
  expect(await run(clients[0]!, `io.of("/tenant-999").adapter.serverCount()`)).toBe(3);
  const changes = frames().filter((line) => line.includes(": adapters"));
  expect(changes.length).toBeLessThan(60);

  const counted = () => Promise.all(clients.map((client) => run(client, "({ ...counts })")));
  const idle = await counted();
  const before = frames().length;
  await new Promise((resolve) => setTimeout(resolve, NOTHING_FOR));
  const after = frames().length;
  // What the question itself takes is a few of the client's own timers: a heartbeat would be thousands.
  const timers = (counts: unknown[]) => (counts as { timers: number }[]).map((each) => each.timers);
  const more = timers(await counted()).map((count, i) => count - timers(idle)[i]!);
  expect(Math.max(...more)).toBeLessThan(10);
  expect(after - before).toBe(0);
});

test("a message is taken apart by the adapter of its namespace alone, in workers that have it", async () => {
  const { clients } = await threeWorkers({}, MANY);
  const deserialized = () => Promise.all(clients.map((client) => run(client, "counts.deserialized")));
  const before = (await deserialized()) as number[];
  await run(clients[0]!, `io.of("/tenant-7").serverSideEmit("note"); 0`);
  for (const client of clients.slice(1)) {
    await run(
      client,
      `new Promise((resolve) => { (function look() { io.noted === 7 ? resolve(0) : setImmediate(look); })(); })`,
    );
  }
  const after = (await deserialized()) as number[];
  expect(after.map((count, i) => count - before[i]!)).toEqual([0, 1, 1]);
});

const DYNAMIC = `${SCRIPTED}
const dynamic = io.of(/^\\/dynamic-\\w+$/);
dynamic.on("connection", (socket) => socket.on("question", (answer) => answer("here")));
`;

test.each(LINKS)("a worker is asked for what it has had for no time at all (%o)", async (link) => {
  const { clients } = await threeWorkers(link, DYNAMIC);
  for (let i = 0; i < 20; i++) {
    const name = `/dynamic-${i}`;
    const there = clients[1]!.io.socket(name) as Socket;
    await connected(there);
    there.on("question", (answer) => answer("yes"));
    // The first worker makes the namespace now, and has never heard of another one.
    const [question, expected] = (
      [
        [`io.of("${name}").fetchSockets().then((all) => all.map(({ id }) => id))`, [there.id]],
        [`io.of("${name}").timeout(8000).emitWithAck("question")`, ["yes"]],
        [`io.of("${name}").adapter.serverCount()`, 2],
      ] as const
    )[i % 3]!;
    expect(await run(clients[0]!, question)).toEqual(expected);
  }
});
