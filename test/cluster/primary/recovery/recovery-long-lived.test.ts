import { expect, test } from "vitest";
import { hears } from "../../../helpers/clients";
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
  workerOf,
} from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

/** What a client heard last has left the log within seconds, as it does within minutes by default. */
const code = recoverable({ maxDisconnectionDuration: 300 }, "pingInterval: 200, pingTimeout: 500,");
const primary = askedPrimary({ method: "round-robin" });

test.each(LINKS)("a session may be older than the log and quiet, and is recovered (%o)", async (link) => {
  const { cluster, sender, leaver } = await senderAndLeaver({ ...link, code, primary });
  const got = heardBy(leaver);
  const { id } = leaver;
  await run(leaver, `socket.join("room"); socket.data.name = "me"; 0`);
  for (const n of [1, 3]) {
    await run(sender, `io.to("room").emit("n", ${n}); 0`);
    await caughtUp(leaver);
    // The last packet that it has an offset of is not the last one that falls out of the log.
    await run(sender, `io.except("room").emit("n", "for the others"); 0`);
    await untilKept(cluster, { packets: 0, sessions: 2 });
    await breaks(leaver);
    await run(sender, `io.to("room").emit("n", ${n + 1}); 0`);
    expect(await comesBack(leaver)).toBe(true);
    expect(leaver.id).toBe(id);
    expect(await run(leaver, "socket.data.name")).toBe("me");
  }
  await caughtUp(leaver);
  expect(got).toEqual([1, 2, 3, 4]);
});

test("so is one that has never heard anything, when its worker is killed", async () => {
  const { cluster, sender, leaver } = await senderAndLeaver({ ...LINKS.at(-1), code, primary });
  const got = heardBy(leaver);
  const { id } = leaver;
  await run(sender, `io.except("${id}").emit("n", "for the others"); 0`);
  await untilKept(cluster, { packets: 1 });
  await untilKept(cluster, { packets: 0 });
  const gone = hears(leaver, "disconnect");
  process.kill(await workerOf(leaver), "SIGKILL");
  await gone;
  await run(sender, `io.emit("n", 1); 0`);
  expect(await comesBack(leaver)).toBe(true);
  expect(leaver.id).toBe(id);
  await caughtUp(leaver);
  expect(got).toEqual([1]);
});
