import { expect, test } from "vitest";
import { hears } from "../../../helpers/clients";
import { LINKS } from "../../../helpers/cluster";
import { heard, run, threeWorkers } from "../../../helpers/relay";

/** Code that has `remote`, the socket of another worker's client. */
const withRemote = (id: string, code: string) =>
  `io.in("${id}").fetchSockets().then(async ([remote]) => { ${code} })`;

test("a socket of another worker is what its worker says", async () => {
  const { clients } = await threeWorkers();
  const [first, second] = clients;
  await run(second!, `socket.join("room"); socket.data.name = "me"; 0`);
  const found = await run(
    first!,
    withRemote(second!.id!, `return [remote.id, [...remote.rooms], remote.data.name, remote.handshake.url]`),
  );
  const own = await run(second!, "[socket.id, [...socket.rooms], socket.data.name, socket.handshake.url]");
  expect(found).toEqual(own);
});

test.each(LINKS)(
  "a socket of another worker can be moved, told, asked and disconnected (%o)",
  async (link) => {
    const { clients } = await threeWorkers(link);
    const [first, second] = clients;
    const remotely = (code: string) => run(first!, withRemote(second!.id!, code));
    await remotely(`remote.join(["a", "b"]); remote.leave("a");`);
    expect(await heard(clients, `io.to("a").emit("event", 1)`)).toEqual([undefined, undefined, undefined]);
    expect(await heard(clients, `io.to("b").emit("event", 2)`)).toEqual([undefined, 2, undefined]);

    const told = clients.map((client) => hears(client, "told"));
    await remotely(`remote.emit("told", "you", Buffer.from([1])); io.emit("told", "all");`);
    expect(await Promise.all(told)).toEqual([["all"], ["you", Buffer.from([1])], ["all"]]);

    second!.on("ask", (question, answer) => answer(`${question} me`));
    expect(await remotely(`return remote.timeout(5000).emitWithAck("ask", "who?");`)).toBe("who? me");

    const gone = hears(second!, "disconnect");
    await remotely(`remote.disconnect(true);`);
    expect(await gone).toEqual(["io server disconnect", undefined]);
  },
);

test("io.local.fetchSockets() finds this worker's alone", async () => {
  const { clients } = await threeWorkers();
  for (const client of clients) {
    expect(await run(client, `io.local.fetchSockets().then((all) => all.map(({ id }) => id))`)).toEqual([
      client.id,
    ]);
  }
});

test("a worker that does not answer is an error, and is found again when it does", async () => {
  const { clients } = await threeWorkers();
  const [first, , third] = clients;
  const halted = (await third!.emitWithAck("who")) as number;
  process.kill(halted, "SIGSTOP");
  const asked = run(first!, `io.timeout(500).fetchSockets()`);
  await expect(asked).rejects.toThrow("timeout reached");
  process.kill(halted, "SIGCONT");
  expect(await run(first!, `io.fetchSockets().then((all) => all.length)`)).toBe(3);
});
