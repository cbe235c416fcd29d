import { beforeEach, describe, expect, test } from "vitest";
import { connectedClients, hears } from "../../../helpers/clients";
import { type Cluster, LINKS } from "../../../helpers/cluster";
import { heard, run, threeWorkers } from "../../../helpers/relay";

describe.each(LINKS)("clients on three workers (%o)", (link) => {
  let cluster: Cluster;
  let clients: Awaited<ReturnType<typeof threeWorkers>>["clients"];

  beforeEach(async () => {
    ({ cluster, clients } = await threeWorkers(link));
  });

  test("all hear a broadcast", async () => {
    expect(await heard(clients, `io.emit("event", 1)`)).toEqual([1, 1, 1]);
    expect(await heard(clients, `socket.broadcast.emit("event", 2)`)).toEqual([undefined, 2, 2]);
  });

  test("hear what is sent to their rooms, except to rooms that are left out, once", async () => {
    await run(clients[1]!, `socket.join(["a", "b"]); 0`);
    await run(clients[2]!, `socket.join("b"); 0`);
    expect(await heard(clients, `io.to("a").emit("event", 1)`)).toEqual([undefined, 1, undefined]);
    expect(await heard(clients, `io.to("a").to("b").emit("event", 2)`)).toEqual([undefined, 2, 2]);
    expect(await heard(clients, `io.except("a").emit("event", 3)`)).toEqual([3, undefined, 3]);
    expect(await heard(clients, `io.to("${clients[2]!.id}").emit("event", 4)`)).toEqual([
      undefined,
      undefined,
      4,
    ]);
  });

  test("are in the rooms that they are made to join or leave when the next packet is sent", async () => {
    expect(await heard(clients, `io.socketsJoin("a"); io.to("a").emit("event", 1)`)).toEqual([1, 1, 1]);
    const none = [undefined, undefined, undefined];
    expect(await heard(clients, `io.socketsLeave("a"); io.to("a").emit("event", 2)`)).toEqual(none);
    const code = `io.in(socket.id).socketsJoin("b"); io.to("b").emit("event", 3)`;
    expect(await heard(clients, code)).toEqual([3, undefined, undefined]);
  });

  test("hear nothing of what is local to another worker", async () => {
    expect(await heard(clients, `io.local.emit("event", 1)`)).toEqual([1, undefined, undefined]);
  });

  test("receive binary data as it was sent", async () => {
    const code = `io.emit("event", { bytes: Buffer.from([0, 1, 255]), list: [new Uint8Array([7])] })`;
    const bytes = { bytes: Buffer.from([0, 1, 255]), list: [Buffer.from([7])] };
    expect(await heard(clients, code)).toEqual([bytes, bytes, bytes]);
  });

  test("are found, moved and disconnected from any worker", async () => {
    const pids = await run(clients[0]!, `io.fetchSockets().then((all) => all.map(({ data }) => data.pid))`);
    expect((pids as number[]).sort()).toEqual([...cluster.forked].sort());

    await run(clients[0]!, `io.in("${clients[1]!.id}").socketsJoin("room"); 0`);
    expect(await heard(clients, `io.to("room").emit("event", 1)`)).toEqual([undefined, 1, undefined]);
    await run(clients[0]!, `io.in("room").socketsLeave("room"); 0`);
    expect(await heard(clients, `io.to("room").emit("event", 2)`)).toEqual([undefined, undefined, undefined]);

    const gone = hears(clients[2]!, "disconnect");
    await run(clients[0]!, `io.in("${clients[2]!.id}").disconnectSockets(true); 0`);
    await gone;
    expect(await run(clients[0]!, `io.fetchSockets().then((all) => all.length)`)).toBe(2);
  });

  test("get what workers tell each other", async () => {
    const noted = clients.slice(1).map((client) => hears(client, "noted"));
    await run(clients[0]!, `io.serverSideEmit("note", "hello"); 0`);
    expect(await Promise.all(noted)).toEqual([["hello"], ["hello"]]);
    expect(await run(clients[0]!, `io.serverSideEmitWithAck("add", 1, 2)`)).toEqual([3, 3]);
  });

  test("acknowledge a broadcast", async () => {
    clients.forEach((client, i) => {
      client.on("ask", (question, answer) => answer(`${question} ${i}`));
    });
    const answers = await run(clients[0]!, `io.timeout(5000).emitWithAck("ask", "who?")`);
    expect((answers as string[]).sort()).toEqual(["who? 0", "who? 1", "who? 2"]);
  });

  test("hear nothing of another namespace", async () => {
    const [other] = await connectedClients(cluster.port, 1, { namespace: "/other" });
    const elsewhere = hears(other!, "event");
    expect(await heard(clients, `io.of("/other").emit("event", 1)`)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await elsewhere).toEqual([1]);
  });
});
