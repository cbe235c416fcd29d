import type { Socket } from "socket.io-client";
import { beforeEach, describe, expect, test } from "vitest";
import { connected, connectedClients, hears } from "../../../helpers/clients";
import { Cluster, LINKS, startCluster } from "../../../helpers/cluster";
import { until } from "../../../helpers/daemon";
import { run } from "../../../helpers/relay";
import { allHeard, listening, twoServers, twoServersCode } from "../../../helpers/two-servers";

describe.each(LINKS)("two Socket.IO servers on one HTTP server (%o)", (link) => {
  let cluster: Cluster;
  let a: [Socket, Socket];
  let b: [Socket, Socket];
  let got: unknown[][];

  beforeEach(async () => {
    ({ cluster, a, b } = await twoServers(link));
    got = listening([...a, ...b]);
  });

  /** What the clients of "/a" and then those of "/b" have heard by now; it is forgotten. */
  async function heard(): Promise<unknown[][]> {
    await allHeard([...a, ...b], [...a, ...b]);
    return got.map((each) => each.splice(0));
  }

  test("broadcast to clients of their own, on all workers", async () => {
    await run(a[0], `io.emit("event", 1); 0`);
    expect(await heard()).toEqual([[1], [1], [], []]);
    await run(b[1], `io.emit("event", 2); 0`);
    expect(await heard()).toEqual([[], [], [2], [2]]);
  });

  test("have rooms of their own, also of the same name", async () => {
    await run(a[1], `socket.join("room"); 0`);
    await run(b[0], `socket.join("room"); 0`);
    await run(a[0], `io.to("room").emit("event", 1); 0`);
    expect(await heard()).toEqual([[], [1], [], []]);
    await run(b[1], `io.to("room").emit("event", 2); io.except("room").emit("event", 3); 0`);
    expect(await heard()).toEqual([[], [], [2], [3]]);
  });

  test("find, move and disconnect their own clients", async () => {
    const found = await run(a[0], `io.fetchSockets().then((all) => all.map(({ data }) => data.path))`);
    expect(found).toEqual(["/a", "/a"]);
    await run(a[0], `io.socketsJoin("joined"); 0`);
    await run(b[0], `io.to("joined").emit("event", "no"); 0`);
    await run(a[0], `io.to("joined").emit("event", 1); 0`);
    expect(await heard()).toEqual([[1], [1], [], []]);
    const gone = a.map((client) => hears(client, "disconnect"));
    a[0].emit("run", `io.disconnectSockets(true)`, () => {});
    await Promise.all(gone);
    expect(await run(b[0], `io.fetchSockets().then((all) => all.length)`)).toBe(2);
  });

  test("speak with their own kind on other workers", async () => {
    expect(await run(a[0], `io.serverSideEmitWithAck("whose")`)).toEqual(["/a"]);
    expect(await run(b[1], `io.serverSideEmitWithAck("whose")`)).toEqual(["/b"]);
    expect(await run(a[0], `io.of("/").adapter.serverCount()`)).toBe(2);
    const noted: unknown[] = [];
    for (const client of [...a, ...b])
      client.on("noted", (value) => void noted.push([client.io.opts.path, value]));
    await run(b[0], `io.serverSideEmit("note", 1); 0`);
    await heard();
    expect(noted).toEqual([["/b", 1]]);
  });

  test("ask their own clients", async () => {
    for (const client of [...a, ...b]) client.on("question", (answer) => answer(client.io.opts.path));
    expect(await run(a[1], `io.timeout(7000).emitWithAck("question")`)).toEqual(["/a", "/a"]);
    expect(await run(b[0], `io.timeout(7000).emitWithAck("question")`)).toEqual(["/b", "/b"]);
  });

  test("the last client of one that leaves takes nothing from the other's clients", async () => {
    for (const client of [a[0], b[0]]) await run(client, `socket.join("room"); 0`);
    const pid = await b[0].emitWithAck("who");
    b[0].close();
    const left = `servers["/b"].local.fetchSockets().then((all) => all.length)`;
    await until(async () => (await run(a[0], left)) === 0 || undefined, "the client to be gone");
    expect(await a[0].emitWithAck("who")).toBe(pid);
    await run(a[1], `io.emit("event", 1); io.to("room").emit("event", 2); 0`);
    await allHeard([a[1]], [...a]);
    expect(got[0]).toEqual([1, 2]);
    expect(cluster.output).toBe("");
  });

  test("a namespace of one is not that of the other", async () => {
    const inNamespace = [...a, ...b].map(({ io }) => io.socket("/chat") as Socket);
    await Promise.all(inNamespace.map(connected));
    const chat = listening(inNamespace);
    await run(a[0], `io.of("/chat").emit("event", 1); 0`);
    await heard();
    expect(chat).toEqual([[1], [1], [], []]);
  });
});

/** Its server at "/b" has an HTTP server and a port of its own, which it tells; it can be closed and made anew. */
const REOPENING = `${twoServersCode().replace(`, "/b": {} }`, " }")}
const openB = (io = new Server({ path: "/b", adapter: createAdapter() })) => new Promise((resolve) => {
  const own = createServer();
  io.attach(own);
  servers["/b"] = io;
  io.removeAllListeners("connection");
  io.on("connection", (socket) => {
    socket.on("run", async (code, answer) => answer({ value: await eval(code) }));
  });
  own.listen({ port: 0, host: "127.0.0.1", exclusive: true }, () => resolve(own.address().port));
});
const port = openB();
`;

const ANEW = [
  ["is made after another one was closed takes its place", "openB()"],
  ["was closed and is attached once more is back", `openB(servers["/b"])`],
] as const;
const CASES = LINKS.flatMap((link) => ANEW.map(([what, code]) => [what, link, code] as const));

test.each(CASES)("a server that %s (%o)", async (_, link, reopen) => {
  const cluster = await startCluster(REOPENING, { ...link, method: "round-robin" });
  const a: Socket[] = [];
  for (let i = 0; i < 2; i++) a.push(...(await connectedClients(cluster.port, 1, { path: "/a" })));
  const clientOfB = async (port: unknown) => {
    const [client] = await connectedClients(port as number, 1, { path: "/b", reconnection: false });
    return client!;
  };
  const first = await clientOfB(await run(a[0]!, "port"));
  const second = await clientOfB(await run(a[1]!, "port"));
  await run(second, `socket.join("room"); 0`);
  expect(await run(first, `io.fetchSockets().then((all) => all.length)`)).toBe(2);

  const gone = hears(first, "disconnect");
  await run(a[0]!, `servers["/b"].close().then(() => 0)`);
  await gone;
  expect(await run(second, `io.fetchSockets().then((all) => all.length)`)).toBe(1);
  expect(await run(second, `io.of("/").adapter.serverCount()`)).toBe(1);
  expect(await run(a[0]!, `io.of("/").adapter.serverCount()`)).toBe(2);

  const anew = await clientOfB(await run(a[0]!, reopen));
  const got = listening([anew, second, ...a]);
  expect(await run(anew, `io.of("/").adapter.serverCount()`)).toBe(2);
  expect(await run(second, `io.fetchSockets().then((all) => all.length)`)).toBe(2);
  await run(anew, `io.to("room").emit("event", 1); io.emit("event", 2); 0`);
  await allHeard([anew, a[0]!], [anew, second, ...a]);
  expect(got).toEqual([[2], [1, 2], [], []]);
});

/** Two servers of one path, on ports of their own, one after the other. */
const SAME_PATH = `
const { createServer } = require("node:http");
const { Server } = require("socket.io");
const { createAdapter } = require("pm2-socket.io/cluster-adapter");
const ports = [0, 1].map((place) => {
  const httpServer = createServer();
  const io = new Server(httpServer);
  io.adapter(createAdapter());
  io.on("whose", (answer) => answer(place));
  io.on("connection", (socket) => {
    socket.on("run", async (code, answer) => answer({ value: await eval(code) }));
  });
  return new Promise((resolve) => {
    httpServer.listen({ port: 0, host: "127.0.0.1", exclusive: true }, () => resolve(httpServer.address().port));
  });
});
Promise.all(ports).then((ports) => process.send({ ports }));
`;

test("two servers of one path are told apart by the order in which they were made", async () => {
  const cluster = new Cluster(SAME_PATH, { workers: 2 });
  await cluster.until(() => cluster.messages.length === 2, "the workers' ports");
  const ports = cluster.messages.map(({ message }) => (message as { ports: number[] }).ports);
  const [mine, other] = await Promise.all(
    ports.map((each) => Promise.all(each.map(async (port) => (await connectedClients(port, 1))[0]!))),
  );
  const got = listening([...mine!, ...other!]);
  await run(mine![0]!, `io.emit("event", "first"); 0`);
  await run(mine![1]!, `io.emit("event", "second"); 0`);
  await allHeard([mine![1]!], [other![1]!]);
  await allHeard([mine![0]!], [other![0]!]);
  expect(got).toEqual([["first"], ["second"], ["first"], ["second"]]);
  expect(await run(other![1]!, `io.serverSideEmitWithAck("whose")`)).toEqual([1]);
});
