import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { type Cluster, LINKS } from "../../../helpers/cluster";
import { askedPrimary } from "../../../helpers/primary";
import {
  breaks,
  caughtUp,
  comesBack,
  heardBy,
  kept,
  recoverable,
  senderAndLeaver,
  untilKept,
} from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

const DEBUG = { NODE_DEBUG: "pm2-socket.io" };

/** A client that comes back is new: another id, no rooms, nothing of the past; but it is served as any other. */
async function expectFresh({ cluster, sender, leaver, why }: Parties & { why: string }): Promise<void> {
  const got = heardBy(leaver);
  const { id } = leaver;
  const { _pid: pid } = leaver as unknown as { _pid: string };
  expect(await comesBack(leaver)).toBe(false);
  expect(leaver.id).not.toBe(id);
  expect(await run(leaver, "[socket.recovered, socket.rooms.size, socket.data.name ?? null]")).toEqual([
    false,
    1,
    null,
  ]);
  await run(sender, `io.to("room").emit("n", "not a member"); io.emit("n", "for all"); 0`);
  await caughtUp(leaver);
  expect(got).toEqual(["for all"]);
  await cluster.until(() => cluster.output.includes("cannot be restored"), "a word in the debug log");
  expect(cluster.output).toContain(`session ${pid} of / cannot be restored: ${why}\n`);
  // From now on it is a session like others.
  await breaks(leaver);
  expect(await comesBack(leaver)).toBe(true);
}

type Parties = { cluster: Cluster; sender: Socket; leaver: Socket };

async function start(link: object, recovery: object, limits: object = {}): Promise<Parties> {
  const parties = await senderAndLeaver({
    ...link,
    code: recoverable(recovery),
    primary: askedPrimary({ method: "round-robin", ...limits }),
    env: DEBUG,
  });
  await run(parties.leaver, `socket.join("room"); socket.data.name = "me"; 0`);
  await run(parties.sender, `io.emit("seen"); 0`);
  await caughtUp(parties.leaver);
  return parties;
}

test.each(LINKS)("a session that was lost too long ago is not restored: expired (%o)", async (link) => {
  const parties = await start(link, { maxDisconnectionDuration: 200 });
  expect(await kept(parties.cluster)).toMatchObject({ sessions: 2, evicted: 0 });
  await breaks(parties.leaver);
  await run(parties.sender, `io.emit("n", "missed"); 0`);
  await untilKept(parties.cluster, { sessions: 1 });
  await expectFresh({ ...parties, why: "expired" });
  // It has not lost its place to somebody else.
  expect(await kept(parties.cluster)).toMatchObject({ evicted: 0 });
});

test.each(LINKS)(
  "a session is not restored whose packets took too much memory: evicted (%o)",
  async (link) => {
    const parties = await start(link, {}, { recovery: { maxBytes: 20_000 } });
    await breaks(parties.leaver);
    await run(parties.sender, `for (let i = 0; i < 100; i++) io.emit("n", "x".repeat(1000)); 0`);
    const { bytes, evicted } = await kept(parties.cluster);
    expect(bytes).toBeLessThanOrEqual(20_000);
    expect(evicted).toBeGreaterThan(80);
    await expectFresh({ ...parties, why: "evicted" });
  },
);

test.each(LINKS)("a session that ended for good is not restored: unknown (%o)", async (link) => {
  const parties = await start(link, {});
  parties.leaver.disconnect();
  await untilKept(parties.cluster, { sessions: 1 });
  await expectFresh({ ...parties, why: "unknown" });
});

test.each(LINKS)("whoever makes an id up gets a session of its own: unknown (%o)", async (link) => {
  const parties = await start(link, {});
  await breaks(parties.leaver);
  for (const pid of ["nobody", "", "\n", "__proto__", "x".repeat(100_000)]) {
    parties.leaver.auth = { pid, offset: "1" };
    expect(await comesBack(parties.leaver)).toBe(false);
    await breaks(parties.leaver);
  }
  parties.leaver.auth = {};
  expect(await comesBack(parties.leaver)).toBe(true);
  await parties.cluster.until(
    () => parties.cluster.output.includes("session nobody of / cannot be restored: unknown"),
    "a word in the debug log",
  );
});
