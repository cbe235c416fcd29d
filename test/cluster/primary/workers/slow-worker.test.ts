import type { Socket } from "socket.io-client";
import { expect, test, vi } from "vitest";
import type { WorkerStatus } from "../../../../src/primary/status";
import { connectedClients, hears } from "../../../helpers/clients";
import { type Cluster, LINKS } from "../../../helpers/cluster";
import { BYTES_IN_USE } from "../../../helpers/memory";
import { askedPrimary } from "../../../helpers/primary";
import { heard, run, threeWorkers } from "../../../helpers/relay";

const MIB = 1024 * 1024;
const TIMEOUT_MS = 3000;

/** Three workers, the last of which is halted for good. */
async function withHaltedWorker(link: object, limits: object) {
  const primary = askedPrimary({ linkBuffer: 4 * MIB, linkTimeout: 60_000, ...limits });
  const { cluster, clients } = await threeWorkers({ ...link, primary });
  const halted = (await clients[2]!.emitWithAck("who")) as number;
  process.kill(halted, "SIGSTOP");
  /** How many packets were dropped on the way to each worker. */
  const dropped = async () => {
    const workers = await cluster.ask<WorkerStatus[]>("statusOf(app).workers");
    return Object.fromEntries(workers.map(({ pid, framesDropped }) => [pid, framesDropped]));
  };
  return { cluster, clients, halted, dropped };
}

/** Broadcasts so many packets of 16 KiB, at the speed at which the others take them. */
async function broadcast([sender, receiver]: Socket[], count: number, how = "io"): Promise<number[]> {
  const got: number[] = [];
  receiver!.on("packet", (i: number) => got.push(i));
  for (let begin = 0; begin < count; begin += 50) {
    const last = hears(receiver!, "batch");
    await run(
      sender!,
      `for (let i = ${begin}; i < ${begin + 50}; i++) ${how}.emit("packet", i, "x".repeat(16384)); io.emit("batch"); 0`,
    );
    await last;
  }
  receiver!.off("packet");
  return got;
}

/** The others have a full set of workers again, and have lost nobody. */
async function replaced(cluster: Cluster, clients: Socket[], halted: number): Promise<void> {
  await cluster.until(() => cluster.exited.includes(halted), "the halted worker's end");
  await cluster.readyWorkers(4);
  expect(cluster.exited).toEqual([halted]);
  expect(cluster.output.match(/STICKY_LINK_STUCK/g)).toHaveLength(1);
  expect(clients[0]!.connected && clients[1]!.connected).toBe(true);
  const [newcomer] = await connectedClients(cluster.port, 1);
  expect(await heard([clients[0]!, clients[1]!, newcomer!], `io.emit("event", 1)`)).toEqual([1, 1, 1]);
}

test.each(LINKS)(
  "a worker that does not read loses volatile packets first; the others lose nothing (%o)",
  async (link) => {
    const { cluster, clients, halted, dropped } = await withHaltedWorker(link, {});
    // 8 MiB are more than the buffer and a pipe take, unless volatile packets are dropped.
    await broadcast(clients, 500, "io.volatile");
    const { [halted]: ofHalted, ...ofOthers } = await dropped();
    expect(ofHalted).toBeGreaterThan(100);
    expect(Object.values(ofOthers)).toEqual([0, 0]);
    expect(cluster.exited).toEqual([]);

    expect(await broadcast(clients, 500)).toEqual([...Array(500).keys()]);
    await replaced(cluster, clients, halted);
  },
);

test("a worker that reads nothing in time is replaced, however little waits for it", async () => {
  const { cluster, clients, halted } = await withHaltedWorker({ pipe: true }, { linkTimeout: TIMEOUT_MS });
  // More than the operating system holds for a pipe, less than the buffer.
  await broadcast(clients, 100);
  expect(cluster.exited).toEqual([]);
  await replaced(cluster, clients, halted);
});

test("the primary's memory stays bounded whatever a halted worker leaves waiting", async () => {
  const { cluster, clients, halted } = await withHaltedWorker({ pipe: true }, {});
  const inUse = () => cluster.ask<number>(BYTES_IN_USE);
  const before = await inUse();
  for (let passed = 0; passed < 80; passed += 16) {
    await broadcast(clients, 1024);
    // The buffer of 4 MiB, and what is read or written at the moment. V8 gives memory back some time after it was found
    // to be garbage.
    await vi.waitFor(async () => expect((await inUse()) - before).toBeLessThan(12 * MIB), { timeout: 5000 });
  }
  await replaced(cluster, clients, halted);
});
