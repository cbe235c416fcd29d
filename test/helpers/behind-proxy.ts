import { Agent } from "node:http";
import { io, type Socket } from "socket.io-client";
import { expect, onTestFinished } from "vitest";
import { Daemon, freePort, until } from "./daemon";
import { ask, PollingClient } from "./polling-client";
import type { ReverseProxy } from "./proxy";

/** Says of each request and session which worker has it and which address its client has. */
const WORKER = `
const { createServer } = require("http");
const { Server } = require("socket.io");
const { setupWorker } = require("@socket.io/sticky");
const { createAdapter } = require("@socket.io/cluster-adapter");
const clientOf = (req) => req.headers["x-forwarded-for"];
const io = new Server(createServer((req, res) => {
  res.end(JSON.stringify({ pid: process.pid, client: clientOf(req) }));
}));
io.adapter(createAdapter());
setupWorker(io);
io.on("connection", (socket) => {
  socket.on("who", (answer) => answer({ pid: process.pid, client: clientOf(socket.handshake), id: socket.id }));
  socket.on("all", (text) => io.emit("text", text));
});
`;

const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const CLIENTS_OF_EACH_KIND = 10;

/** The only statuses that may occur: answered, and upgraded. */
const FINE = new Set([200, 101]);

interface Who {
  pid: number;
  client: string;
  id: string;
}

/** Starts three workers; returns the daemon and their port. */
export async function startApp(): Promise<{ daemon: Daemon; port: number }> {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("worker.js", WORKER);
  expect((await daemon.pm2("start", "worker.js", "-i", "3", "--port", String(port))).code).toBe(0);
  await daemon.ready(3);
  return { daemon, port };
}

/**
 * Many clients at once on every transport, with plain HTTP between them: each is answered by the worker that has its
 * session, each hears all the others, and each is known by its own address.
 */
export async function servesManyClients(daemon: Daemon, proxy: ReverseProxy): Promise<void> {
  const pids = (await daemon.list()).map(({ pid }) => pid);
  const clients = Object.values(TRANSPORTS).flatMap((transports, kind) =>
    Array.from({ length: CLIENTS_OF_EACH_KIND }, (_, i) =>
      connect(proxy.port, `127.0.${kind + 1}.${i + 1}`, transports),
    ),
  );
  const seen = await Promise.all(clients.map(({ socket }) => socket.timeout(20_000).emitWithAck("who")));
  expect(seen.map(({ client }) => client)).toEqual(clients.map(({ address }) => address));
  expect(new Set(seen.map(({ pid }) => pid))).toEqual(new Set(pids));

  const upgraded = clients.filter(({ transports }) => transports.length === 2);
  await Promise.all(upgraded.map(({ socket }) => hasUpgraded(socket)));

  for (let round = 0; round < 10; round++) {
    const asked = clients.map(({ socket }) => socket.timeout(20_000).emitWithAck("who"));
    const plain = clients.map(async ({ agent }) =>
      JSON.parse((await ask(agent, proxy.port, "/?sid=mine")).body),
    );
    expect(await Promise.all(asked)).toEqual(seen);
    for (const [i, { pid, client }] of (await Promise.all(plain)).entries()) {
      expect(pids).toContain(pid);
      expect(client).toBe(clients[i]!.address);
    }
  }

  const heard = clients.map(({ socket }) => hearsFrom(socket, clients.length));
  for (const [i, { socket }] of clients.entries()) socket.emit("all", i);
  const everybody = clients.map((_, i) => i);
  for (const texts of await Promise.all(heard)) expect(texts).toEqual(everybody);

  expect(clients.flatMap(({ troubles }) => troubles)).toEqual([]);
  expect(proxy.statuses().filter((status) => !FINE.has(status))).toEqual([]);
}

/**
 * 1,000 requests of two sessions and plain HTTP, in turn, over one connection to the proxy, and so over one connection of
 * its pool: the requests of at least one session come in at the wrong worker, all are answered by the right one.
 */
export async function alternatesOnOneConnection(daemon: Daemon, proxy: ReverseProxy): Promise<void> {
  const address = "127.0.9.9";
  const [one, other] = await onDifferentWorkers(proxy.port, address);
  const shared = agentAt(address, 1);
  for (const client of [one, other]) client.moveTo(shared);
  const [a, b] = [await one.emitWithAck("who"), await other.emitWithAck("who")] as Who[];
  expect([a!.client, b!.client]).toEqual([address, address]);

  const before = await totals(daemon);
  for (let requests = 0; requests < 1000; requests += 5) {
    expect(await one.emitWithAck("who")).toEqual(a);
    expect(await other.emitWithAck("who")).toEqual(b);
    const { status, body } = await ask(shared, proxy.port, "/plain");
    expect([status, JSON.parse(body).client]).toEqual([200, address]);
  }
  // The proxy did pool: hardly a new connection for 1,000 requests, and at least 400 of them came in at the wrong worker.
  const after = await until(async () => {
    const now = await totals(daemon);
    return now.forwarded - before.forwarded >= 400 ? now : undefined;
  }, "the workers to report what they forwarded");
  expect(after.handedOff - before.handedOff).toBeLessThan(20);
  expect(proxy.statuses().filter((status) => !FINE.has(status))).toEqual([]);
}

/** Two sessions of different workers, made over connections of their own at the same time. */
async function onDifferentWorkers(port: number, address: string): Promise<[PollingClient, PollingClient]> {
  const clients = await Promise.all([0, 1, 2].map(() => PollingClient.connect(agentAt(address, 1), port)));
  const pids = await Promise.all(
    clients.map(async (client) => ((await client.emitWithAck("who")) as Who).pid),
  );
  const other = clients.find((_, i) => pids[i] !== pids[0]);
  if (!other) throw new Error("three simultaneous sessions are on one worker");
  return [clients[0]!, other];
}

/** Connections that stay open, from that address. */
function agentAt(localAddress: string, maxSockets: number): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets, localAddress });
  onTestFinished(() => agent.destroy());
  return agent;
}

interface Client {
  address: string;
  transports: string[];
  agent: Agent;
  socket: Socket;
  /** Whatever should not happen. */
  troubles: string[];
}

/** A client with an address of its own. */
function connect(port: number, address: string, transports: string[]): Client {
  const agent = agentAt(address, 10);
  // The type is that of a browser's client.
  const options = { transports, forceNew: true, agent: agent as unknown as string };
  const socket = io(`http://127.0.0.1:${port}`, options);
  const troubles: string[] = [];
  socket.on("connect_error", ({ message }) => troubles.push(message));
  socket.on("disconnect", (reason) => troubles.push(reason));
  onTestFinished(() => {
    socket.off("disconnect").close();
  });
  return { address, transports, agent, socket, troubles };
}

async function hasUpgraded(socket: Socket): Promise<void> {
  const { engine } = socket.io;
  if (engine.transport.name === "websocket") return;
  await new Promise((resolve) => engine.once("upgrade", resolve));
}

/** What a client hears, sorted, once it has heard that many. */
function hearsFrom(socket: Socket, count: number): Promise<number[]> {
  const texts: number[] = [];
  return new Promise((resolve) => {
    socket.on("text", (text) => {
      if (texts.push(text) === count) resolve(texts.sort((a, b) => a - b));
    });
  });
}

async function totals(daemon: Daemon): Promise<{ handedOff: number; forwarded: number }> {
  const sum = { handedOff: 0, forwarded: 0 };
  for (const worker of (await daemon.sticky())[0]!.workers) {
    sum.handedOff += worker.handedOff;
    sum.forwarded += worker.forwarded;
  }
  return sum;
}
