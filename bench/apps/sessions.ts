import type { Server, Socket } from "socket.io";
import { LinkedSessions } from "./linked-sessions";
import { PersistedSessions } from "./persisted-sessions";
import type { MadeSession, SessionMaker } from "./session-maker";

const MADE_AT_ONCE = 1000;
const RESTORED_AT_ONCE = 64;
const ROOMS = 100;

/** The load `make-sessions` asks for this, and `restore-sessions`. */
export function serveSessions(io: Server, socket: Socket): void {
  const { adapter } = io.of("/");
  const maker = makerOf(io);
  socket.on("make", async (from, to, answer) => {
    for (let i = from; i < to; i++) {
      maker.make(sessionOf(i));
      if (i % MADE_AT_ONCE === 0) await maker.settled();
    }
    await maker.settled();
    answer();
  });
  socket.on("lose", async (answer) => {
    const lost = maker.lose();
    await maker.settled();
    answer(lost);
  });
  socket.on("mark", () => io.emit("mark"));
  socket.on("restore", async (from, to, offset, answer) => {
    let next = from;
    let restored = 0;
    const some = async () => {
      while (next < to) {
        const { sid, pid } = sessionOf(next++);
        const session = await adapter.restoreSession(pid, offset).catch(() => undefined);
        if (session?.sid === sid) restored++;
        // No client takes it.
        adapter.delAll(sid);
      }
    };
    await Promise.all(Array.from({ length: RESTORED_AT_ONCE }, some));
    answer(restored);
  });
}

const makers = new WeakMap<Server, SessionMaker>();

function makerOf(io: Server): SessionMaker {
  const maker = makers.get(io) ?? LinkedSessions.of(io) ?? new PersistedSessions(io);
  makers.set(io, maker);
  return maker;
}

function sessionOf(number: number): MadeSession {
  const sid = `session-${number}`;
  const rooms = [sid, `room ${number % ROOMS}`];
  return { sid, pid: `private-${number}`, rooms, data: { user: `user ${number}`, language: "en" } };
}
