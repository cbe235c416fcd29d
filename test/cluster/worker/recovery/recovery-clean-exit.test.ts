import { expect, test } from "vitest";
import { hears } from "../../../helpers/clients";
import { LINKS } from "../../../helpers/cluster";
import { caughtUp, comesBack, heardBy, senderAndLeaver } from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

const EXITS = [
  ["process.exit()", "process.exit()"],
  ["io.close()", "io.close(() => process.exit())"],
  ["an uncaught error", `setImmediate(() => { throw new Error("a bug of the app"); })`],
] as const;
const CASES = LINKS.flatMap((link) => EXITS.map(([name, code]) => [name, link, code] as const));

test.each(CASES)(
  "when a worker ends by %s, its clients are restored on another one (%o)",
  async (_, link, exit) => {
    const { cluster, sender, leaver } = await senderAndLeaver(link);
    const got = heardBy(leaver);
    const { id } = leaver;
    await run(leaver, `socket.join("room"); socket.data.name = "me"; io.to("room").emit("n", 1); 0`);
    const gone = hears(leaver, "disconnect");
    // The last words of the program count: a room, data, a packet.
    const lastWords = `socket.join("last"); io.to("last").emit("n", 2); socket.data.last = true`;
    leaver.emit("run", `${lastWords}; ${exit}`);
    await gone;
    await cluster.until(() => cluster.exited.length === 1, "the worker's end");
    await run(sender, `io.to("room").emit("n", 3); io.to("last").emit("n", 4); 0`);

    expect(await comesBack(leaver)).toBe(true);
    expect(leaver.id).toBe(id);
    await caughtUp(leaver);
    expect(got).toEqual([1, 2, 3, 4]);
    expect(await run(leaver, "socket.data")).toMatchObject({ name: "me", last: true });
  },
);
