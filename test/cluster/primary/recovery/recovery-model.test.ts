import { constantFrom, integer, nat, record, sample, subarray } from "fast-check";
import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connected, clients as makeClients } from "../../../helpers/clients";
import { startCluster, WORKER } from "../../../helpers/cluster";
import { cuttingProxy } from "../../../helpers/cutting-proxy";

const DURATION_MS = Number(process.env.MODEL_MS ?? (process.env.CI ? 180_000 : 30_000));
const SEED = Number(process.env.MODEL_SEED ?? Date.now() % 2 ** 31);
const MEMBERS = 8;
const ROOMS = ["a", "b", "c"];

const CODE = `${WORKER.replace("{ maxHttpBufferSize: 2e8 }", "{ connectionStateRecovery: {} }")}
io.on("connection", (socket) => {
  socket.on("join", (room, answer) => { socket.join(room); answer(); });
  socket.on("leave", (room, answer) => { socket.leave(room); answer(); });
  socket.on("send", (rooms, except, n, answer) => {
    io.to(rooms).except(except).emit("n", n, n % 3 ? "text" : Buffer.from("binary"));
    answer();
  });
  socket.on("quit", () => process.exit());
});
`;

/** One thing that happens: to a member, to a worker, or a packet for some rooms. */
const step = record({
  what: constantFrom(
    ...Array<"send">(70).fill("send"),
    ...Array<"join">(8).fill("join"),
    ...Array<"leave">(5).fill("leave"),
    ...Array<"end">(5).fill("end"),
    ...Array<"cut">(5).fill("cut"),
    "kill" as const,
    "quit" as const,
  ),
  member: nat(MEMBERS - 1),
  room: constantFrom(...ROOMS),
  rooms: subarray(ROOMS, { maxLength: 2 }),
  except: subarray(ROOMS, { maxLength: 1 }),
  alone: integer({ min: 0, max: 9 }).map((n) => n === 0),
});

type Rooms = readonly string[];

/** A client, what it must hear, and what it may hear: packets whose sender was never told that they were sent. */
class Member {
  readonly rooms = new Set<string>();
  readonly got: number[] = [];
  readonly must: number[] = [];
  readonly may = new Set<number>();
  readonly id: string;
  recoveries = 0;

  constructor(
    readonly client: Socket,
    readonly proxy: Awaited<ReturnType<typeof cuttingProxy>>,
    strangers: string[],
  ) {
    this.id = client.id!;
    client.on("n", (n) => this.got.push(n));
    client.on("connect", () => {
      if (client.recovered && client.id === this.id) this.recoveries++;
      else strangers.push(`${this.id} became ${client.id}`);
    });
  }

  isIn(rooms: Rooms): boolean {
    return rooms.some((room) => this.rooms.has(room) || room === this.id);
  }
}

/** A worker that leaves by itself at this moment needs no more. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Asks until there is an answer: workers and connections die before they can give it. */
async function ask(client: Socket, event: string, ...args: unknown[]): Promise<void> {
  for (let answered = false; !answered; ) {
    answered = await client
      .timeout(2000)
      .emitWithAck(event, ...args)
      .then(
        () => true,
        () => false,
      );
  }
}

test(
  "whatever happens, each client gets what its rooms got, once, in the same order",
  async () => {
    console.log(`seed ${SEED}: repeat with MODEL_SEED=${SEED}`);
    const cluster = await startCluster(CODE, { workers: 3, pipe: true });
    const strangers: string[] = [];
    const members = await Promise.all(
      Array.from({ length: MEMBERS }, async (_, i) => {
        const proxy = await cuttingProxy(cluster.port);
        const [client] = makeClients(proxy.port, 1, {
          transports: i % 2 ? ["websocket"] : ["polling", "websocket"],
          reconnectionDelay: 20,
          reconnectionDelayMax: 300,
          randomizationFactor: 0.9,
        }) as [Socket];
        await connected(client);
        return new Member(client, proxy, strangers);
      }),
    );
    const [sender] = makeClients(cluster.port, 1, { reconnectionDelay: 20 }) as [Socket];
    await connected(sender);

    let n = 0;
    /** Sends a packet, and one more if nobody knows whether it was sent. */
    const send = async (rooms: Rooms, except: Rooms) => {
      const reached = members.filter((to) => (rooms.length === 0 || to.isIn(rooms)) && !to.isIn(except));
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
    /** A worker dies, or leaves by itself, and another one takes its place. */
    const replace = (end: (living: number[]) => void) => {
      const living = cluster.ready.filter((pid) => !cluster.exited.includes(pid));
      if (living.length >= 2) end(living);
      cluster.fork();
    };

    const until = Date.now() + DURATION_MS;
    for (let round = 0; Date.now() < until; round++) {
      for (const { what, member: i, room, rooms, except, alone } of sample(step, {
        seed: SEED + round,
        numRuns: 200,
      })) {
        const member = members[i]!;
        if (what === "join") await ask(member.client, "join", room).then(() => member.rooms.add(room));
        else if (what === "leave")
          await ask(member.client, "leave", room).then(() => member.rooms.delete(room));
        else if (what === "end") member.proxy.end();
        else if (what === "cut") member.proxy.cut();
        else if (what === "kill") replace((living) => kill(living[n % living.length]!));
        else if (what === "quit") replace(() => member.client.emit("quit"));
        else await send(alone ? [member.id] : rooms, except);
      }
    }

    // The last one, to all, is heard by everybody when everything before it was.
    await Promise.all(members.map(({ client }) => client.connected || connected(client)));
    await send([], []);
    await cluster.until(() => members.every(({ got }) => got.at(-1) === n), "the last packet");
    expect(strangers).toEqual([]);
    for (const { got, must, may, recoveries } of members) {
      expect(got).toEqual([...new Set(got)].sort((a, b) => a - b));
      expect(must.filter((k) => !got.includes(k))).toEqual([]);
      expect(got.filter((k) => !may.has(k))).toEqual([]);
      expect(recoveries).toBeGreaterThan(0);
    }
  },
  DURATION_MS + 120_000,
);
