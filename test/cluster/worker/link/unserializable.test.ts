import { expect, test } from "vitest";
import { breaks, comesBack, senderAndLeaver } from "../../../helpers/recovery";
import { heard, run, threeWorkers } from "../../../helpers/relay";

test("a packet that cannot be encoded is reported once and harms nobody", async () => {
  const { cluster, clients } = await threeWorkers();
  const odd = `io.emit("odd", 1n)`;
  expect(await heard(clients, `${odd}; ${odd}`, "odd")).toEqual([undefined, undefined, undefined]);
  expect(await heard(clients, `io.emit("event", { toJSON: () => "plain" })`)).toEqual(Array(3).fill("plain"));
  expect(cluster.output.match(/STICKY_UNSERIALIZABLE/g)).toHaveLength(1);
  expect(cluster.output).toContain('"odd"');
  expect(cluster.exited).toEqual([]);
});

test("a message for other workers that cannot be sent is reported once", async () => {
  const { cluster, clients } = await threeWorkers();
  for (let i = 0; i < 2; i++) await run(clients[0]!, `io.serverSideEmit("note", () => {}, 1); 0`);
  await cluster.until(() => cluster.output.includes("STICKY_UNSERIALIZABLE"), "the report");
  expect(await heard(clients, `io.emit("event", 1)`)).toEqual([1, 1, 1]);
  expect(cluster.output.match(/STICKY_UNSERIALIZABLE/g)).toHaveLength(1);
  expect(cluster.exited).toEqual([]);
});

test("a question that cannot be encoded is an error for who asks, is reported once, and harms nobody", async () => {
  const { cluster, clients } = await threeWorkers();
  for (const odd of ["1n", "circular", "1n"]) {
    const asked = `const circular = {}; circular.itself = circular; io.timeout(500).emitWithAck("question", ${odd})`;
    await expect(run(clients[0]!, asked)).rejects.toThrow(/BigInt|circular|call stack/i);
  }
  expect(cluster.output.match(/STICKY_UNSERIALIZABLE/g)).toHaveLength(1);
  expect(cluster.output).toContain('"question"');
  expect(await heard(clients, `io.emit("event", 1)`)).toEqual([1, 1, 1]);
  expect(cluster.exited).toEqual([]);
});

test("of a socket's data, what cannot be sent is not restored, and the rest is", async () => {
  const { cluster, leaver } = await senderAndLeaver();
  await run(leaver, `socket.data.name = "me"; socket.data.f = () => {}; socket.data.list = [1]; 0`);
  await run(leaver, `new Promise((told) => setTimeout(told, 2100))`);
  await breaks(leaver);
  expect(await comesBack(leaver)).toBe(true);
  expect(await run(leaver, "socket.data")).toMatchObject({ name: "me", list: [1] });
  expect(cluster.output.match(/STICKY_UNSERIALIZABLE/g)).toHaveLength(1);
  expect(cluster.output).toContain('"socket.data" cannot be sent to other processes: f: ');
});

test("fetchSockets finds sockets whose data or handshake cannot be sent as a whole", async () => {
  const { cluster, clients } = await threeWorkers();
  await run(clients[1]!, `socket.data.name = "me"; socket.data.f = () => {}; 0`);
  await run(clients[2]!, `socket.handshake.query.me = "you"; socket.handshake.session = { save() {} }; 0`);
  const code = `io.fetchSockets().then((all) => all.map(({ id, handshake, data }) =>
    [id, typeof handshake.url, handshake.query.me, data.name, typeof data.pid]))`;
  for (let i = 0; i < 2; i++) {
    const found = await run(clients[0]!, code);
    const rest = (client: number) => expect.arrayContaining([clients[client]!.id, "string", "number"]);
    expect(found).toEqual(expect.arrayContaining([rest(0), rest(1), rest(2)]));
    expect(JSON.stringify(found)).toMatch(/"me".*"you"|"you".*"me"/);
  }
  expect(cluster.output.match(/STICKY_UNSERIALIZABLE/g)).toHaveLength(2);
  expect(cluster.output).toContain('"socket.data" cannot be sent to other processes: f: ');
  expect(cluster.output).toContain('"socket.handshake" cannot be sent to other processes: session: ');
});
