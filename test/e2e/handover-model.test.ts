import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import { array, constantFrom, nat, record, sample, subarray } from "fast-check";
import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { connected } from "../helpers/clients";
import { until } from "../helpers/daemon";
import { startApp, untilSessions } from "../helpers/planned-stops";

const DURATION_MS = Number(process.env.MODEL_MS ?? (process.env.CI ? 60_000 : 20_000));
const SEED = Number(process.env.MODEL_SEED ?? Date.now() % 2 ** 31);
const TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]];
const MEMBERS = 9;
const ROOMS = ["a", "b", "c"];

/**
 * Each number that a client sends comes back in one of three ways, in the order in which they were sent. A file tells the
 * worker that reads it first to die, so many milliseconds after it has begun to give or has taken a session.
 */
const CODE = `
const { readFileSync, unlinkSync } = require("fs");
const { Server } = require("socket.io");
const io = new Server(require("http").createServer(), { connectionStateRecovery: {} });
io.adapter(require("@socket.io/cluster-adapter").createAdapter());
require("@socket.io/sticky").setupWorker(io);
const die = () => process.kill(process.pid, "SIGKILL");
const mayDie = (file) => {
  try {
    const ms = Number(readFileSync(file));
    unlinkSync(file);
    ms === 0 ? die() : setTimeout(die, ms);
  } catch {}
};
io.on("connection", (socket) => {
  const { data } = socket;
  if (socket.recovered) mayDie("new");
  socket.on("disconnect", (reason) => reason === "server handover" && mayDie("old"));
  socket.on("join", (room, answer) => answer(socket.join(room)));
  socket.on("leave", (room, answer) => answer(socket.leave(room)));
  socket.on("tell", (rooms, n, answer) => answer(io.to(rooms).emit("told", n, n % 3 ? "text" : Buffer.from("binary"))));
  socket.on("number", (round, n, back, answer) => {
    if (data.round !== round) Object.assign(data, { round, last: n - 1, answered: 0, wrong: [] });
    if (n !== data.last + 1) data.wrong.push(n + " after " + data.last);
    data.last = n;
    if (back === "answer") answer(n);
    else if (back === "emit") socket.emit("back", n);
    else socket.timeout(10_000).emit("ask", n, (error, m) => {
      if (error || m !== n) data.wrong.push(n + " was answered " + (error || m));
      else data.answered++;
    });
  });
  socket.on("report", (answer) => answer({ last: data.last, answered: data.answered, wrong: data.wrong }));
});
`;

/** A stop of one or all workers; in every other one a worker may be killed. */
const stop = record({
  command: constantFrom("reload", "reload", "scale"),
  dies: constantFrom(undefined, undefined, "old", "new"),
  afterMs: constantFrom(0, 0, 1, 3, 10, 30, 100),
});

/** One thing that a client does meanwhile. */
const step = record({
  what: constantFrom("numbers", "numbers", "numbers", "tell", "tell", "tell", "tell", "join", "leave"),
  from: nat(MEMBERS - 1),
  room: constantFrom(...ROOMS),
  rooms: subarray(ROOMS, { minLength: 1, maxLength: 2 }),
  backs: array(constantFrom("answer", "emit", "ask"), { minLength: 1, maxLength: 4 }),
  pauseMs: constantFrom(0, 0, 1, 5, 20),
});

/** A client, and what became of it in this round. The first one is in all rooms: its order is everybody's. */
class Member {
  readonly rooms = new Set<string>();
  n = 0;
  sent: number[] = [];
  back: number[] = [];
  asked = 0;
  told: number[] = [];
  disconnects: string[] = [];
  wrong: string[] = [];

  constructor(readonly socket: Socket) {
    const { id } = socket;
    const back = (n: number, answer: unknown) => {
      this.back.push(n);
      if (typeof answer === "function") answer(n);
    };
    socket.on("back", back).on("ask", back);
    socket.on("told", (n) => this.told.push(n));
    socket.on("disconnect", (reason, details) => this.disconnects.push(reason + inspect(details)));
    socket.on("connect", () => {
      if (!socket.recovered || socket.id !== id) this.wrong.push(`${id} became ${socket.id}`);
    });
  }

  sendNumber(round: number, back: string): void {
    const n = ++this.n;
    this.sent.push(n);
    if (back === "ask") this.asked++;
    const answer = back === "answer" ? [(m: number) => this.back.push(m)] : [];
    this.socket.emit("number", round, n, back, ...answer);
  }

  /** Asks until there is an answer: a worker may die before it can give it. */
  async ask(event: string, args: () => unknown[]): Promise<void> {
    const attempt = () => this.socket.timeout(10_000).emitWithAck(event, ...args());
    const isLost = (error: Error) => /disconnected/.test(error.message) || Promise.reject(error);
    while (await attempt().then(() => false, isLost));
  }
}

test(
  "no client notices a planned stop, and each hears its rooms in order, once, whoever dies in a handover",
  async () => {
    console.log(`seed ${SEED}: repeat with MODEL_SEED=${SEED}`);
    const { daemon, port } = await startApp(CODE, 3);
    const members: Member[] = [];
    for (let i = 0; i < MEMBERS; i++) {
      const transports = TRANSPORTS[i % TRANSPORTS.length]!;
      const socket = client(port, { transports, reconnectionDelay: 20, reconnectionDelayMax: 300 });
      await connected(socket);
      members.push(new Member(socket));
    }
    const [witness] = members as [Member];
    for (const room of ROOMS) await witness.ask("join", () => [witness.rooms.add(room) && room]);

    let last = 0;
    /** Whom a packet is for. */
    const reached = new Map<number, Member[]>();
    /** Packets of which somebody was told that they were sent. */
    let sent: number[] = [];
    const tell = async (from: Member, rooms: string[]) => {
      const to = members.filter((each) => rooms.length === 0 || rooms.some((room) => each.rooms.has(room)));
      let n = 0;
      await from.ask("tell", () => {
        n = ++last;
        reached.set(n, to);
        return [rooms, n];
      });
      sent.push(n);
    };

    let instances = 3;
    const deadline = Date.now() + DURATION_MS;
    for (const [round, { command, dies, afterMs }] of sample(stop, { seed: SEED, numRuns: 5000 }).entries()) {
      if (Date.now() > deadline) break;
      const by = instances === 2 ? 1 : -1;
      const args = command === "reload" ? ["reload", "app"] : ["scale", "app", by > 0 ? "+1" : "-1"];
      if (command === "scale") instances += by;
      console.log(`round ${round}: pm2 ${args.join(" ")}, ${dies ? `${dies} dies after ${afterMs} ms` : ""}`);
      if (dies) daemon.write(dies, String(afterMs));
      let stopping = true;
      const stopped = daemon.pm2(...args).finally(() => {
        stopping = false;
      });
      const telling: Promise<void>[] = [];
      for (const { what, ...one } of sample(step, { seed: SEED + round, numRuns: 5000 })) {
        if (!stopping) break;
        const from = members[one.from]!;
        if (what === "numbers") for (const back of one.backs) from.sendNumber(round, back);
        else if (what === "tell") telling.push(tell(from, one.rooms));
        else if (from !== witness) {
          // Whom a packet is for is known when no room changes meanwhile.
          await Promise.all(telling.splice(0));
          await from.ask(what, () => [one.room]);
          from.rooms[what === "join" ? "add" : "delete"](one.room);
        }
        await delay(one.pauseMs);
      }
      await Promise.all(telling);
      const { code, stderr } = await stopped;
      const isPlanned = !dies || existsSync(join(daemon.folder, dies));
      if (isPlanned) expect(code, stderr).toBe(0);
      if (dies) rmSync(join(daemon.folder, dies), { force: true });
      await daemon.ready(instances);

      // The last one, to all, is heard by everybody when everything before it was.
      await tell(witness, []);
      const final = sent.at(-1)!;
      await until(() => members.every(({ told }) => told.includes(final)) || undefined, "the last packet");
      expect(sent.filter((n) => !witness.told.includes(n))).toEqual([]);
      const heard = [...new Set(witness.told)];
      for (const member of members) {
        expect(member.wrong).toEqual([]);
        expect(member.told).toEqual(heard.filter((n) => reached.get(n)!.includes(member)));
        if (isPlanned) {
          expect(member.disconnects, daemon.log).toEqual([]);
          await expect.poll(() => member.back, { timeout: 10_000 }).toEqual(member.sent);
          const { n, asked } = member;
          const report = await member.socket.emitWithAck("report");
          if (member.sent.length > 0) expect(report).toEqual({ last: n, answered: asked, wrong: [] });
        } else {
          await member.ask("report", () => []);
          expect(member.back).toEqual(member.sent.filter((n) => member.back.includes(n)));
        }
      }
      await untilSessions(daemon, MEMBERS);
      for (const member of members)
        Object.assign(member, { sent: [], back: [], asked: 0, told: [], disconnects: [] });
      sent = [];
    }
  },
  DURATION_MS + 120_000,
);
