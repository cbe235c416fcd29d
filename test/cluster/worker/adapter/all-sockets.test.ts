import { expect, test } from "vitest";
import { hears } from "../../../helpers/clients";
import { LINKS } from "../../../helpers/cluster";
import { heard, run, threeWorkers } from "../../../helpers/relay";

const NOBODY = [undefined, undefined, undefined];

test.each(LINKS)(
  "without a room, the sockets of all workers join, leave and are disconnected (%o)",
  async (link) => {
    const { clients } = await threeWorkers(link);
    await run(clients[0]!, `io.socketsJoin(["a", "b"]); 0`);
    expect(await heard(clients, `io.to("a").emit("event", 1)`)).toEqual([1, 1, 1]);
    await run(clients[0]!, `io.socketsLeave("a"); 0`);
    expect(await heard(clients, `io.to("a").emit("event", 2)`)).toEqual(NOBODY);
    expect(await heard(clients, `io.to("b").emit("event", 3)`)).toEqual([3, 3, 3]);

    const gone = clients.map((client) => hears(client, "disconnect"));
    clients[0]!.emit("run", `io.disconnectSockets(true)`, () => {});
    for (const [reason] of await Promise.all(gone)) expect(reason).toBe("io server disconnect");
  },
);

test.each(LINKS)("with local, only the sockets of this worker do (%o)", async (link) => {
  const { clients } = await threeWorkers(link);
  const [first, second, third] = clients;
  await run(first!, `io.local.socketsJoin("mine"); io.socketsJoin("all"); 0`);
  expect(await heard(clients, `io.to("mine").emit("event", 1)`)).toEqual([1, undefined, undefined]);
  await run(first!, `io.local.socketsLeave("all"); 0`);
  expect(await heard(clients, `io.to("all").emit("event", 2)`)).toEqual([undefined, 2, 2]);

  const gone = hears(second!, "disconnect");
  second!.emit("run", `io.local.disconnectSockets(true)`, () => {});
  expect(await gone).toEqual(["io server disconnect", undefined]);
  expect(await heard([first!, third!], `io.emit("event", 3)`)).toEqual([3, 3]);
  expect(await run(first!, `io.fetchSockets().then((all) => all.length)`)).toBe(2);
});
