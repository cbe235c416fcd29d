import type { Socket } from "socket.io-client";
import { expect } from "vitest";
import { client } from "./app-clients";
import { connected } from "./clients";
import { type Daemon, type Output, until } from "./daemon";
import { RECOVERABLE, startApp, untilSessions } from "./planned-stops";

/** A worker that can be made to owe an answer until there is a file, and that knows the sockets of all workers. */
export const HOLDING = RECOVERABLE.replace(
  'socket.on("who"',
  `socket.on("hold", (answer) => {
    const timer = setInterval(() => require("fs").existsSync("answer") && answer(clearInterval(timer)), 20);
  });
  socket.on("sockets", async (answer) => answer((await io.fetchSockets()).map(({ id }) => id)));
  socket.on("who"`,
);

export const TRANSPORTS = ["websocket", "polling", "websocket", "polling", "websocket", "polling"];

export interface MidReload {
  daemon: Daemon;
  port: number;
  clients: Socket[];
  /** The client whose session cannot move yet. */
  held: Socket;
  /** The pids of the worker that gives up its sessions and of the one that takes them over. */
  old: number;
  fresh: number;
  reload: Promise<Output>;
  /** Lets the held session go on. */
  answer(): void;
}

/** A reload of the only worker that has come as far as it can: all sessions but one have moved. */
export async function midReload(sticky: object = {}, source = HOLDING): Promise<MidReload> {
  const { daemon, port } = await startApp(source, 1, { handover: { timeout: 60_000 }, ...sticky });
  const clients = TRANSPORTS.map((each) => client(port, { transports: [each] }));
  await Promise.all(clients.map(connected));
  await untilSessions(daemon, clients.length);
  const held = clients[0]!;
  held.emit("hold", () => {});
  await held.emitWithAck("who");
  const reload = daemon.pm2("reload", "app");
  const workers = await until(async () => {
    const [app] = await daemon.sticky();
    const isHeld = app?.handover.moved === clients.length - 1 && app.workers.length === 2;
    return isHeld ? app.workers : undefined;
  }, "all sessions but one to move");
  const pidOf = (state: string) => workers.find((worker) => worker.state === state)!.pid!;
  const answer = () => daemon.write("answer", "");
  return { daemon, port, clients, held, old: pidOf("draining"), fresh: pidOf("ready"), reload, answer };
}

/** Every client is connected, with the id it had, on one worker, and nobody else is. */
export async function expectWhole(daemon: Daemon, clients: Socket[], ids: unknown[]): Promise<void> {
  // A session whose new worker does not let it in is given up after a while.
  await until(async () => {
    const [some] = clients.filter(({ connected }) => connected);
    const sockets: string[] =
      (await some
        ?.timeout(5000)
        .emitWithAck("sockets")
        .catch(() => [])) ?? [];
    return clients.every(({ id, connected }) => connected && sockets.includes(id!)) || undefined;
  }, "all clients to be let in");
  await untilSessions(daemon, clients.length);
  expect(clients.map(({ id }) => id)).toEqual(ids);
  for (const each of clients) await each.timeout(10_000).emitWithAck("who");
}
