import { expect, test } from "vitest";
import { hears } from "../../../helpers/clients";
import {
  caughtUp,
  comesBack,
  heardBy,
  recoverable,
  senderAndLeaver,
  WAYS,
  workerOf,
} from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

/** Socket.IO's private id of a session. */
const PID = "socket.pid";
/** A session's data is the time, until it is lost. */
const TICKING = `${recoverable()}
io.on("connection", (socket) => {
  if (!socket.recovered) setInterval(() => { socket.data.now = Date.now(); }, 20);
});`;

test.each(WAYS)(
  "when a worker is killed, its clients are who they were on another one, with all they missed (%o)",
  async ({ link, transport }) => {
    const { cluster, sender, leaver } = await senderAndLeaver({ ...link, transport });
    const got = heardBy(leaver);
    const { id } = leaver;
    const pid = await run(leaver, PID);
    await run(leaver, `socket.join(["a", "b"]); socket.leave("a"); io.to("b").emit("n", 1); 0`);
    const gone = hears(leaver, "disconnect");
    process.kill(await workerOf(leaver), "SIGKILL");
    // It may be on its way when the worker dies, or come too late for it.
    await run(sender, `io.to("b").emit("n", 2); io.to("a").emit("n", "not a member"); 0`);
    await gone;
    await cluster.until(() => cluster.exited.length === 1, "the worker's end");
    await run(sender, `io.to("${id}").emit("n", 3); io.to("b").emit("n", Buffer.from([4])); 0`);

    expect(await comesBack(leaver)).toBe(true);
    expect(leaver.id).toBe(id);
    expect(await run(leaver, PID)).toBe(pid);
    expect(await run(leaver, `[...socket.rooms]`)).toEqual(expect.arrayContaining([id, "b"]));
    await run(sender, `io.to("b").emit("n", 5); 0`);
    await caughtUp(leaver);
    expect(got).toEqual([1, 2, 3, [4], 5]);
  },
);

test("the data of a killed worker's client is about a second old at most", async () => {
  const { cluster, leaver } = await senderAndLeaver({ code: TICKING });
  const begin = Date.now();
  // So long that data of the beginning would be too old, and not just after data was told, which is done each second.
  await cluster.until(() => Date.now() - begin > 3700, "data to be told several times");
  const gone = hears(leaver, "disconnect");
  process.kill(await workerOf(leaver), "SIGKILL");
  const killed = Date.now();
  await gone;
  expect(await comesBack(leaver)).toBe(true);
  const now = (await run(leaver, "socket.data.now")) as number;
  expect(killed - now).toBeLessThan(1500);
});
