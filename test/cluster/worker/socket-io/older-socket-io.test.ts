import type { Socket } from "socket.io-client";
import { describe, expect, test } from "vitest";
import { connected, connectedClients, hears } from "../../../helpers/clients";
import { startCluster } from "../../../helpers/cluster";
import { heard, run, SCRIPTED } from "../../../helpers/relay";

describe.each(["socket.io-4-6", "socket.io-4-7"])("with %s", (release) => {
  const code = SCRIPTED.replace(`require("socket.io")`, `require("${release}")`).replace(
    "new Server(httpServer, {",
    "new Server(httpServer, { connectionStateRecovery: { maxDisconnectionDuration: 60_000 },",
  );

  async function threeClients(): Promise<Socket[]> {
    const cluster = await startCluster(code, { workers: 3 });
    const clients: Socket[] = [];
    for (let i = 0; i < 3; i++) clients.push(...(await connectedClients(cluster.port, 1)));
    return clients;
  }

  test("clients hear broadcasts and what is sent to their rooms", async () => {
    const clients = await threeClients();
    expect(await heard(clients, `io.emit("event", Buffer.from([1]))`)).toEqual(
      Array(3).fill(Buffer.from([1])),
    );
    await run(clients[1]!, `socket.join("a"); 0`);
    expect(await heard(clients, `io.to("a").emit("event", 1)`)).toEqual([undefined, 1, undefined]);
    expect(await heard(clients, `io.except("a").emit("event", 2)`)).toEqual([2, undefined, 2]);
    await run(clients[0]!, `io.in("${clients[2]!.id}").socketsJoin("a"); 0`);
    expect(await heard(clients, `io.to("a").emit("event", 3)`)).toEqual([undefined, 3, 3]);
  });

  test("clients answer and are found on all workers", async () => {
    const clients = await threeClients();
    clients.forEach((client, i) => void client.on("question", (answer) => answer(i)));
    const answers = await run(clients[0]!, `io.timeout(7000).emitWithAck("question")`);
    expect((answers as number[]).sort()).toEqual([0, 1, 2]);
    expect(await run(clients[0]!, `io.fetchSockets().then((all) => all.length)`)).toBe(3);
    expect(await run(clients[0]!, `io.serverSideEmitWithAck("add", 1, 2)`)).toEqual([3, 3]);
  });

  test("a client that comes back finds its room, its data and what it missed", async () => {
    const [sender, leaver] = await threeClients();
    const got: unknown[] = [];
    leaver!.on("missed", (value) => got.push(value));
    await run(leaver!, `socket.join("room"); socket.data.name = "me"; 0`);
    const left = hears(leaver!, "disconnect");
    leaver!.io.engine.close();
    await left;
    const back = connected(leaver!);
    await run(sender!, `io.to("room").emit("missed", 1); io.emit("missed", 2); 0`);
    await back;
    expect(leaver!.recovered).toBe(true);
    await heard([sender!, leaver!], `io.to("room").emit("missed", 3)`);
    expect(got).toEqual([1, 2, 3]);
    expect(await run(leaver!, "socket.data.name")).toBe("me");
  });
});
