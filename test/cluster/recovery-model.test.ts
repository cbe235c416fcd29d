import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connected, clients as makeClients } from "../helpers/clients";
import { startCluster, WORKER } from "../helpers/cluster";
import { cuttingProxy } from "../helpers/cutting-proxy";

const DURATION_MS = Number(process.env.MODEL_MS ?? (process.env.CI ? 180_000 : 40_000));
const SEED = Number(process.env.MODEL_SEED ?? Date.now() % 2 ** 31);
const ROOMS = ["a", "b", "c"];

const CODE = `${WORKER.replace("{ maxHttpBufferSize: 2e8 }", "{ connectionStateRecovery: {} }")}
io.on("connection", (socket) => {
  socket.on("join", (room, answer) => { socket.join(room); answer(); });
  socket.on("leave", (room, answer) => { socket.leave(room); answer(); });
  socket.on("send", (rooms, except, n, answer) => {
    io.to(rooms).except(except).emit("n", n, n % 3 ? "text" : Buffer.from("binary"));
    answer();
  });
});
`;

/** A generator of numbers below a limit, the same for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Asks until there is an answer; returns how often it had to. */
async function ask(client: Socket, event: string, ...args: unknown[]): Promise<void> {
  for (;;) {
    try {
      await client.timeout(2000).emitWithAck(event, ...args);
      return;
    } catch {
      // The worker or the connection died before it could answer.
    }
  }
}

test(
  "whatever happens, each client gets what its rooms got, once, in the same order",
  async () => {
    console.log(`seed ${SEED}: repeat with MODEL_SEED=${SEED}`);
    const random = randomOf(SEED);
    const cluster = await startCluster(CODE, { workers: 3, pipe: true });
    const members = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const proxy = await cuttingProxy(cluster.port);
        const [client] = makeClients(proxy.port, 1, {
          transports: i % 2 ? ["websocket"] : ["polling", "websocket"],
          reconnectionDelay: 20,
          reconnectionDelayMax: 300,
          randomizationFactor: 0.9,
        }) as [Socket];
        const member = { proxy, client, rooms: new Set<string>(), got: [] as number[], must: [] as number[] };
        const may = new Set<number>();
        client.on("n", (n) => member.got.push(n));
        await connected(client);
        const { id } = client;
        client.on("connect", () => {
          if (!client.recovered || client.id !== id) strangers.push(`client ${i} was not recovered`);
        });
        return { ...member, may, id };
      }),
    );
    const strangers: string[] = [];
    const [sender] = makeClients(cluster.port, 1, { reconnectionDelay: 20 }) as [Socket];
    await connected(sender);

    let n = 0;
    const broadcast = async () => {
      const rooms = random(4) ? [ROOMS[random(3)]!].concat(random(3) ? [] : [ROOMS[random(3)]!]) : [];
      const except = random(4) ? [] : [ROOMS[random(3)]!];
      if (!random(8)) rooms.splice(0, 9, members[random(8)]!.id!);
      const reached = members.filter(
        (member) =>
          (rooms.length === 0 || rooms.some((room) => member.rooms.has(room) || room === member.id)) &&
          !except.some((room) => member.rooms.has(room)),
      );
      for (let told = false; !told; ) {
        const k = ++n;
        for (const member of reached) member.may.add(k);
        told = await sender
          .timeout(2000)
          .emitWithAck("send", rooms, except, k)
          .then(
            () => true,
            () => false,
          );
        if (told) for (const member of reached) member.must.push(k);
      }
    };
    for (const until = Date.now() + DURATION_MS; Date.now() < until; ) {
      const member = members[random(8)]!;
      const room = ROOMS[random(3)]!;
      const what = random(100);
      if (what < 8) {
        await ask(member.client, "join", room);
        member.rooms.add(room);
      } else if (what < 12) {
        await ask(member.client, "leave", room);
        member.rooms.delete(room);
      } else if (what < 17) member.client.io.engine.close();
      else if (what < 22) member.proxy.cut();
      else if (what < 23 && n % 5 === 0) {
        const living = cluster.ready.filter((pid) => !cluster.exited.includes(pid));
        if (living.length >= 2) process.kill(living[random(living.length)]!, "SIGKILL");
        cluster.fork();
      } else await broadcast();
    }
    // The last one, to all, is heard by everybody when everything before it was.
    await Promise.all(members.map(({ client }) => connected(client).catch(() => {})));
    await ask(sender, "send", [], [], ++n);
    await cluster.until(() => members.every(({ got }) => got.at(-1) === n), "the last packet");
    expect(strangers).toEqual([]);
    for (const { got, must, may } of members) {
      expect(got).toEqual([...new Set(got)].sort((a, b) => a - b));
      expect(must.filter((k) => !got.includes(k))).toEqual([]);
      expect(got.filter((k) => !may.has(k) && k !== n)).toEqual([]);
    }
  },
  DURATION_MS + 60_000,
);
