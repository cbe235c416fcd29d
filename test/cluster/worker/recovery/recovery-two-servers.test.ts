import { expect, test } from "vitest";
import { LINKS } from "../../../helpers/cluster";
import { breaks, comesBack, WAYS } from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";
import { allHeard, listening, twoServers, twoServersCode } from "../../../helpers/two-servers";

const RECOVERING = "{ connectionStateRecovery: {} }";

test.each(WAYS)(
  "clients of two servers come back to their own, and to what they missed there (%o)",
  async ({ link }) => {
    const { a, b } = await twoServers(link, twoServersCode(RECOVERING, RECOVERING));
    const leavers = [a[1], b[1]];
    const got = listening(leavers);
    for (const leaver of leavers) await run(leaver, `socket.join("room"); socket.data.name = io.path(); 0`);
    const ids = leavers.map(({ id }) => id);
    for (const leaver of leavers) await breaks(leaver);
    await run(a[0], `io.to("room").emit("event", "a1"); 0`);
    await run(b[0], `io.to("room").emit("event", "b1"); io.emit("event", "b2"); 0`);
    await run(a[0], `io.emit("event", "a2"); 0`);
    for (const leaver of leavers) expect(await comesBack(leaver)).toBe(true);
    expect(leavers.map(({ id }) => id)).toEqual(ids);
    for (const leaver of leavers) {
      expect(await run(leaver, `[socket.data.name, io.path(), socket.rooms.has("room")]`)).toEqual([
        leaver.io.opts.path,
        leaver.io.opts.path,
        true,
      ]);
    }
    await run(b[0], `io.to("room").emit("event", "b3"); 0`);
    await run(a[0], `io.to("room").emit("event", "a3"); 0`);
    await allHeard([a[0], b[0]], leavers);
    expect(got).toEqual([
      ["a1", "a2", "a3"],
      ["b1", "b2", "b3"],
    ]);
  },
);

test("a private id of one server's session opens nothing at the other one", async () => {
  const { a, b } = await twoServers({}, twoServersCode(RECOVERING, RECOVERING));
  const [, victim] = a;
  const [, thief] = b;
  // So that it has an offset to name.
  await run(a[0], `io.emit("event", "a1"); 0`);
  await run(b[0], `io.emit("event", "b1"); 0`);
  await allHeard([a[0], b[0]], [victim, thief]);
  await breaks(victim);
  await breaks(thief);
  Object.assign(thief, { _pid: (victim as unknown as { _pid: string })._pid });
  expect(await comesBack(thief)).toBe(false);
  expect(await comesBack(victim)).toBe(true);
});

test.each(LINKS)(
  "a server without recovery does not wait for the packets of one with it (%o)",
  async (link) => {
    const { cluster, a, b } = await twoServers(link, twoServersCode(RECOVERING));
    const got = listening([a[0], b[0]]);
    // What is put in order has to go by way of the primary.
    process.kill(cluster.pid, "SIGSTOP");
    try {
      a[0].emit("run", `io.emit("event", 1)`, () => {});
      await run(b[0], `io.emit("event", 2); 0`);
      await cluster.until(() => got[1]!.length > 0, "the packet");
      expect(got).toEqual([[], [2]]);
    } finally {
      process.kill(cluster.pid, "SIGCONT");
    }
    await cluster.until(() => got[0]!.length > 0, "the packet with a place");
    expect(got).toEqual([[1], [2]]);
  },
);
