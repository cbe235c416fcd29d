import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connected } from "../../../helpers/clients";
import { LINKS } from "../../../helpers/cluster";
import { heard, run, SCRIPTED, threeWorkers } from "../../../helpers/relay";

const DYNAMIC = `${SCRIPTED}
const dynamic = io.of(/^\\/dynamic-\\w+$/);
dynamic.on("connection", (socket) => {
  socket.on("join", (room, answer) => { socket.join(room); answer(); });
});`;

/** Three workers, and for each a client of every one of these namespaces. */
async function dynamicClients(link: object, ...names: string[]) {
  const { clients } = await threeWorkers(link, DYNAMIC);
  const inNamespace = (name: string) => clients.map(({ io }) => io.socket(name) as Socket);
  const all = names.map(inNamespace);
  await Promise.all(all.flat().map(connected));
  /** What the clients of each namespace hear when `code` runs in the first worker. */
  const heardBy = async (code: string) => {
    const got = all.map((sockets) => sockets.map((): unknown[] => []));
    all.forEach((sockets, i) => {
      sockets.forEach((socket, j) => {
        socket.off("event").on("event", (value) => void got[i]![j]!.push(value));
      });
    });
    // They share their connections with the clients of this.
    await heard(clients, code);
    return got;
  };
  return { clients, all, heardBy };
}

const ALL = [[1], [1], [1]];
const NOBODY = [[], [], []];

test.each(LINKS)(
  "a dynamic namespace reaches its clients on all workers, and no other's (%o)",
  async (link) => {
    const { clients, all, heardBy } = await dynamicClients(link, "/dynamic-1", "/dynamic-2");
    const [one] = all;
    expect(await heardBy(`io.of("/dynamic-1").emit("event", 1)`)).toEqual([ALL, NOBODY]);
    await one![1]!.emitWithAck("join", "room");
    const toRoom = `io.of("/dynamic-1").to("room").emit("event", 2); io.of("/dynamic-2").to("room").emit("event", 2)`;
    expect(await heardBy(toRoom)).toEqual([[[], [2], []], NOBODY]);
    const found = `io.of("/dynamic-1").fetchSockets().then((all) => all.map(({ id }) => id).sort())`;
    expect(await run(clients[0]!, found)).toEqual(one!.map(({ id }) => id).sort());
  },
);

test.each(LINKS)("their parent reaches the clients of all, on all workers (%o)", async (link) => {
  const { all, heardBy } = await dynamicClients(link, "/dynamic-1", "/dynamic-2");
  const [one, two] = all;
  expect(await heardBy(`dynamic.emit("event", 1)`)).toEqual([ALL, ALL]);
  await one![1]!.emitWithAck("join", "room");
  await two![2]!.emitWithAck("join", "room");
  const toRoom = await heardBy(`dynamic.to("room").emit("event", 2)`);
  expect(toRoom).toEqual([
    [[], [2], []],
    [[], [], [2]],
  ]);
  const toOthers = await heardBy(`dynamic.except("room").emit("event", 3)`);
  expect(toOthers).toEqual([
    [[3], [], [3]],
    [[3], [3], []],
  ]);
});
