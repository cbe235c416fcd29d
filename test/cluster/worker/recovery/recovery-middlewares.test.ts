import { expect, test } from "vitest";
import { connected } from "../../../helpers/clients";
import { LINKS } from "../../../helpers/cluster";
import { askedPrimary } from "../../../helpers/primary";
import {
  breaks,
  caughtUp,
  comesBack,
  heardBy,
  recoverable,
  senderAndLeaver,
  untilKept,
} from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

/** Middlewares that take their time, count themselves, change rooms, and let nobody in who is banned. */
const code = (recovery: object) => `${recoverable(recovery)}
io.use((socket, next) => setImmediate(() => {
  socket.data.seen = (socket.data.seen ?? 0) + 1;
  if (socket.recovered) {
    socket.leave("left on the way");
    socket.join("joined on the way");
  }
  next(socket.handshake.auth.banned ? new Error("banned") : undefined);
}));`;

test.each(LINKS)(
  "with skipMiddlewares: false, middlewares see recovered sockets, and may change them (%o)",
  async (link) => {
    const { sender, leaver } = await senderAndLeaver({ ...link, code: code({ skipMiddlewares: false }) });
    const got = heardBy(leaver);
    const { id } = leaver;
    await run(leaver, `socket.join(["room", "left on the way"]); 0`);
    await breaks(leaver);
    await run(sender, `io.to("room").emit("n", 1); io.to("left on the way").emit("n", 2); 0`);
    expect(await comesBack(leaver)).toBe(true);
    expect(leaver.id).toBe(id);
    expect(await run(leaver, "socket.data.seen")).toBe(2);

    await run(
      sender,
      `io.to("left on the way").emit("n", "no member"); io.to("joined on the way").emit("n", 3); 0`,
    );
    await breaks(leaver);
    await run(sender, `io.to("joined on the way").emit("n", 4); 0`);
    expect(await comesBack(leaver)).toBe(true);
    expect(await run(leaver, "socket.data.seen")).toBe(3);
    await caughtUp(leaver);
    expect(got).toEqual([1, 2, 3, 4]);
  },
);

test.each(LINKS)(
  "a middleware may refuse a recovered socket; its session waits for another try (%o)",
  async (link) => {
    const { sender, leaver } = await senderAndLeaver({ ...link, code: code({ skipMiddlewares: false }) });
    const got = heardBy(leaver);
    await run(leaver, `socket.join("room"); 0`);
    await breaks(leaver);
    await run(sender, `io.to("room").emit("n", 1); 0`);
    leaver.auth = { banned: true };
    const refused = connected(leaver);
    leaver.connect();
    await expect(refused).rejects.toThrow("banned");
    await run(sender, `io.to("room").emit("n", 2); 0`);
    leaver.auth = {};
    leaver.disconnect();
    expect(await comesBack(leaver)).toBe(true);
    await caughtUp(leaver);
    expect(got).toEqual([1, 2]);
  },
);

test.each(LINKS)("by default a recovered socket is let in as it is (%o)", async (link) => {
  const { leaver } = await senderAndLeaver({ ...link, code: code({}) });
  await breaks(leaver);
  leaver.auth = { banned: true };
  expect(await comesBack(leaver)).toBe(true);
  expect(await run(leaver, "socket.data.seen")).toBe(1);
});

test("a session whose socket was refused does not stay for ever", async () => {
  const { cluster, leaver } = await senderAndLeaver({
    ...LINKS.at(-1),
    code: code({ skipMiddlewares: false, maxDisconnectionDuration: 500 }),
    primary: askedPrimary({ method: "round-robin" }),
  });
  await breaks(leaver);
  leaver.auth = { banned: true };
  const refused = connected(leaver);
  leaver.connect();
  await expect(refused).rejects.toThrow("banned");
  await untilKept(cluster, { sessions: 1 });
});
