import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connected, connectedClients, hears } from "../../../helpers/clients";
import { LINKS, startCluster } from "../../../helpers/cluster";
import { until } from "../../../helpers/daemon";
import {
  breaks,
  caughtUp,
  comesBack,
  heardBy,
  recoverable,
  senderAndLeaver,
  WAYS,
} from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

test.each(WAYS)(
  "all namespaces of a connection are recovered, each with what it missed (%o)",
  async ({ link, transport }) => {
    const { sender, leaver } = await senderAndLeaver({ ...link, transport });
    const other = leaver.io.socket("/other") as Socket;
    await connected(other);
    const sockets = [leaver, other];
    const got = sockets.map(heardBy);
    const ids = sockets.map(({ id }) => id);
    await run(leaver, `socket.join("room"); io.of("/other").in("${other.id}").socketsJoin("room"); 0`);
    // It has received something in the one, nothing in the other.
    await run(sender, `io.emit("n", 1); 0`);
    await caughtUp(leaver);

    const bothGone = sockets.map((socket) => hears(socket, "disconnect"));
    await breaks(leaver);
    await Promise.all(bothGone);
    await run(sender, `io.to("room").emit("n", 2); io.of("/other").to("room").emit("n", 20); 0`);
    await run(sender, `io.of("/other").emit("n", 30); io.emit("n", 3); 0`);
    const bothBack = sockets.map(connected);
    for (const socket of sockets) socket.connect();
    await Promise.all(bothBack);

    expect(sockets.map(({ recovered }) => recovered)).toEqual([true, true]);
    expect(sockets.map(({ id }) => id)).toEqual(ids);
    await run(sender, `io.of("/other").to("room").emit("n", 40); io.to("room").emit("n", 4); 0`);
    await caughtUp(leaver);
    expect(got).toEqual([
      [1, 2, 3, 4],
      [20, 30, 40],
    ]);
  },
);

const DYNAMIC = `${recoverable({}, "cleanupEmptyChildNamespaces: true,")}
const dynamic = io.of(/^\\/dynamic-\\w+$/);
dynamic.on("connection", (socket) => {
  socket.on("run", async (code, answer) => answer({ value: await eval(code) }));
});`;

test.each(LINKS)(
  "in a dynamic namespace too, that the client's new worker has not seen before (%o)",
  async (link) => {
    const cluster = await startCluster(DYNAMIC, { ...link, method: "round-robin", workers: 3 });
    const how = { namespace: "/dynamic-1", reconnection: false };
    const [sender] = (await connectedClients(cluster.port, 1, how)) as [Socket];
    const [leaver] = (await connectedClients(cluster.port, 1, how)) as [Socket];
    const got = heardBy(leaver);
    const { id } = leaver;
    const toRoom = (n: number) => run(sender, `socket.nsp.to("room").emit("n", ${n}); 0`);
    await run(leaver, `socket.join("room"); socket.data.name = "me"; 0`);
    await toRoom(1);
    await breaks(leaver);
    await toRoom(2);
    expect(await comesBack(leaver)).toBe(true);
    expect(leaver.id).toBe(id);
    expect(await run(leaver, "socket.data.name")).toBe("me");
    await toRoom(3);
    await until(() => got.length >= 3 || undefined, "the last packet");
    expect(got).toEqual([1, 2, 3]);
  },
);
