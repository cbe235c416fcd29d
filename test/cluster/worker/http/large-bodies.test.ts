import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { startCluster, WORKER } from "../../../helpers/cluster";
import { forgetPeak, peakMemory } from "../../../helpers/memory";
import { PollingSession, RawClient } from "../../../helpers/raw-client";

const CODE = `${WORKER}
const { createHash, randomBytes } = require("node:crypto");
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
io.on("connection", (socket) => {
  socket.on("upload", (bytes, answer) => answer(hash(bytes)));
  socket.on("download", (size, answer) => {
    const bytes = randomBytes(size);
    answer(hash(bytes));
    socket.emit("bytes", bytes);
  });
});`;

/** 75 MB are 100 MB as Engine.IO sends them. */
const SIZE = 75_000_000;
/** What a process may need more while 100 MB pass through it, or past it, in MB. */
const FLAT = 40;

const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** A session, the other worker, and a connection: to the session's own worker, or to the other. */
async function setUp(path: "direct" | "forwarded") {
  const { port, pid: primary, forked } = await startCluster(CODE, { serialization: "advanced" });
  const direct = new RawClient({ port });
  const session = await PollingSession.open(direct);
  const misrouted = new RawClient({ port });
  const { pid: other } = await PollingSession.open(misrouted);
  expect(new Set([session.pid, other])).toEqual(new Set(forked));
  const before = [primary, other].map(forgetPeak);
  const growth = () => [primary, other].map((pid, i) => peakMemory(pid) - before[i]!);
  return { session, connection: path === "direct" ? direct : misrouted, growth };
}

test.each(["direct", "forwarded"] as const)("a POST of 100 MB arrives whole (%s)", async (path) => {
  const { session, connection, growth } = await setUp(path);
  const bytes = randomBytes(SIZE);
  const packet = `451-0["upload",{"_placeholder":true,"num":0}]\x1eb${bytes.toString("base64")}`;
  expect((await session.post(connection, packet)).status).toBe(200);
  expect((await session.poll(connection)).text).toBe(`430["${hash(bytes)}"]`);
  for (const megabytes of growth()) expect(megabytes).toBeLessThan(FLAT);
});

test.each(["direct", "forwarded"] as const)("a slow reader of 100 MB gets them whole (%s)", async (path) => {
  const { session, connection, growth } = await setUp(path);
  await session.post(connection, `420["download",${SIZE}]`);
  connection.readSlowly();
  const packets: string[] = [];
  while (!packets.some((packet) => packet.startsWith("b"))) {
    packets.push(...(await session.poll(connection)).text.split("\x1e"));
  }
  const bytes = Buffer.from(packets.at(-1)!.slice(1), "base64");
  expect(packets[0]).toBe(`430["${hash(bytes)}"]`);
  for (const megabytes of growth()) expect(megabytes).toBeLessThan(FLAT);
});
