import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { RECOVERABLE, START, startApp, worker } from "../helpers/planned-stops";

/** A client that counts, asks and listens; what it saw is looked at in the end. */
async function busyClient(port: number, transport: string) {
  const socket: Socket = client(port, { transports: [transport] });
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  const seen = {
    id: socket.id,
    told: [] as number[],
    counted: 0,
    wrong: [] as unknown[],
    disconnects: [] as string[],
  };
  socket.on("disconnect", (reason, details) => {
    const { description, message } = (details ?? {}) as { description?: unknown; message?: string };
    seen.disconnects.push(`${transport}: ${reason}, ${message ?? ""} ${description ?? ""}`);
  });
  socket.on("told", (n: number) => seen.told.push(n));
  await socket.emitWithAck("join", "room");
  let running = true;
  const loop = (async () => {
    while (running) {
      const n = seen.counted + 1;
      const answer = await socket
        .timeout(15_000)
        .emitWithAck("count", n)
        .catch((error: Error) => `${error.message}, ${seen.disconnects.join()}`);
      if (answer !== n) seen.wrong.push({ n, answer });
      seen.counted = n;
    }
  })();
  const stop = async () => {
    running = false;
    await loop;
  };
  return { socket, seen, stop };
}

const STOPS: [string, string[][]][] = [
  [
    "two reloads",
    [
      ["reload", "app"],
      ["reload", "app"],
    ],
  ],
  ["a scale down", [["scale", "app", "1"]]],
];

for (const [what, commands] of STOPS) {
  test(`no client notices ${what}: nothing lost, doubled or out of order, either way`, async () => {
    const { daemon, port } = await startApp(RECOVERABLE, 2);
    const transports = ["websocket", "polling", "websocket", "polling", "websocket", "websocket"];
    const clients = await Promise.all(transports.map((transport) => busyClient(port, transport)));
    let told = 0;
    let telling = true;
    const teller = (async () => {
      while (telling) {
        const { socket } = clients[told % clients.length]!;
        await socket.timeout(15_000).emitWithAck("tell", "room", told++);
      }
    })();

    for (const command of commands) expect((await daemon.pm2(...command)).code).toBe(0);
    telling = false;
    await teller;
    await Promise.all(clients.map(({ stop }) => stop()));

    const expected = Array.from({ length: told }, (_, n) => n);
    for (const { socket, seen } of clients) {
      await expect.poll(() => seen.told.length, { timeout: 10_000 }).toBe(told);
      expect(seen.told).toEqual(expected);
      expect(seen.wrong).toEqual([]);
      expect(seen.disconnects).toEqual([]);
      expect(socket.id).toBe(seen.id);
    }
  });
}

test("nothing is told again by workers that stop before anything was told in their time", async () => {
  const { daemon, port } = await startApp(RECOVERABLE, 1);
  const clients = ["websocket", "polling"].map((transport) => client(port, { transports: [transport] }));
  const told: number[] = [];
  for (const socket of clients) {
    socket.on("told", (n) => told.push(n));
    await socket.emitWithAck("join", "room");
  }
  await clients[0]!.emitWithAck("tell", "room", 1);
  for (let n = 0; n < 2; n++) expect((await daemon.pm2("reload", "app")).code).toBe(0);
  await clients[0]!.emitWithAck("tell", "room", 2);
  await expect.poll(() => told.filter((n) => n === 2)).toHaveLength(2);
  expect(told).toEqual([1, 1, 2, 2]);
});

test("without recovery the sessions of a reload end cleanly and clients come back by themselves", async () => {
  const { daemon, port } = await startApp(worker() + START, 2);
  const sockets = ["websocket", "polling"].map((transport) => client(port, { transports: [transport] }));
  await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.once("connect", resolve))));
  const back = sockets.map(
    (socket) =>
      new Promise<string>((resolve) =>
        socket.once("disconnect", (reason) => socket.once("connect", () => resolve(reason))),
      ),
  );
  await daemon.pm2("reload", "app");
  for (const reason of await Promise.all(back))
    expect(["transport close", "transport error"]).toContain(reason);
});
