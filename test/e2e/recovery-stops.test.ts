import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { connected } from "../helpers/clients";
import { type Daemon, until } from "../helpers/daemon";
import { pids, START, startApp, worker } from "../helpers/planned-stops";

const RECOVERABLE = worker("", "{ connectionStateRecovery: {} }") + START;

/** A member of the room who writes down what it hears, and how it was received when it came back. */
async function member(port: number, transport: string) {
  const socket = client(port, { transports: [transport] });
  await connected(socket);
  const { id } = socket;
  const told: number[] = [];
  const returns: boolean[] = [];
  socket.on("told", (n: number) => told.push(n));
  socket.on("connect", () => returns.push(socket.recovered && socket.id === id));
  await socket.emitWithAck("join", "room");
  expect(await socket.emitWithAck("count", 1)).toBe(1);
  return { socket, told, returns };
}

/** Tells the room one number after the other until the action is over; returns those that were acknowledged. */
async function tellDuring(teller: Socket, action: () => Promise<void>): Promise<number[]> {
  const acknowledged: number[] = [];
  let n = 0;
  const tell = async () => {
    const ack = teller.timeout(5000).emitWithAck("tell", "room", ++n);
    await ack.then(
      () => acknowledged.push(n),
      () => {},
    );
  };
  let over = false;
  const acting = action().finally(() => {
    over = true;
  });
  while (!over) await tell();
  await acting;
  // The last one is heard after all others.
  while (acknowledged.at(-1) !== n || n === 0) await tell();
  return acknowledged;
}

async function killAll(daemon: Daemon): Promise<void> {
  for (const pid of await pids(daemon)) {
    process.kill(pid, "SIGKILL");
    await until(async () => ((await pids(daemon)).includes(pid) ? undefined : true), "PM2 to notice");
    await daemon.ready(2);
  }
}

const command = (name: string) => async (daemon: Daemon) => {
  expect((await daemon.pm2(name, "app")).code).toBe(0);
  await daemon.ready(2);
};

const STOPS: [what: string, sticky: object, stop: (daemon: Daemon) => Promise<void>][] = [
  ["a reload that moves no session", { handover: false }, command("reload")],
  ["a restart that moves no session", { handover: false }, command("restart")],
  ["the death of each worker by SIGKILL", {}, killAll],
];

for (const [what, sticky, stop] of STOPS) {
  test(`clients recover from ${what}: they miss nothing and hear nothing twice`, async () => {
    const { daemon, port } = await startApp(RECOVERABLE, 2, sticky);
    const transports = ["websocket", "polling", "websocket", "polling"];
    const members = await Promise.all(transports.map((transport) => member(port, transport)));
    const teller = client(port, { transports: ["websocket"] });
    await connected(teller);
    const before = await pids(daemon);

    const acknowledged = await tellDuring(teller, () => stop(daemon));
    expect((await pids(daemon)).some((pid) => before.includes(pid))).toBe(false);
    const last = acknowledged.at(-1);
    for (const { socket, told, returns } of members) {
      await until(() => told.at(-1) === last || undefined, "the last number");
      expect(returns).not.toContain(false);
      // What a killed worker's client counted may be a second too new for the primary.
      if (stop !== killAll) expect(await socket.emitWithAck("count", 2)).toBe(2);
      expect(told).toEqual(members[0]!.told);
    }
    expect(members.some(({ returns }) => returns.length > 0)).toBe(true);
    const heard = new Set(members[0]!.told);
    expect(heard.size).toBe(members[0]!.told.length);
    expect(acknowledged.filter((n) => !heard.has(n))).toEqual([]);
  });
}
