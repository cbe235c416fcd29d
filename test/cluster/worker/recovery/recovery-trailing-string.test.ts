import { expect, test } from "vitest";
import { LINKS } from "../../../helpers/cluster";
import { breaks, caughtUp, comesBack, heardBy, senderAndLeaver } from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

const WAYS = LINKS.flatMap((link) =>
  ["io.volatile", "io.local", "socket.volatile"].map((way) => ({ link, way })),
);

test.each(WAYS)(
  "a session is restored after an event that is not kept and ends with a string (%o)",
  async ({ link, way }) => {
    const { sender, leaver } = await senderAndLeaver(link);
    const got = heardBy(leaver);
    const typing = new Promise<unknown>((resolve) => leaver.once("typing", resolve));
    await run(sender, `io.emit("n", 1); 0`);
    await caughtUp(leaver);
    await run(leaver, `${way}.emit("typing", "alice"); 0`);
    expect(await typing).toBe("alice");
    await breaks(leaver);
    await run(sender, `io.emit("n", 2); 0`);
    expect(await comesBack(leaver)).toBe(true);
    await caughtUp(leaver);
    expect(got).toEqual([1, 2]);
  },
);
