import { expect, test } from "vitest";
import { LINKS } from "../../../helpers/cluster";
import { askedPrimary } from "../../../helpers/primary";
import { breaks, comesBack, heardBy, kept, senderAndLeaver } from "../../../helpers/recovery";
import { heard, run, SCRIPTED } from "../../../helpers/relay";

test.each(LINKS)(
  "without recovery the primary keeps nothing, and a client that returns is new (%o)",
  async (link) => {
    const primary = askedPrimary({ method: "round-robin" });
    const { cluster, sender, leaver } = await senderAndLeaver({ ...link, code: SCRIPTED, primary });
    const got = heardBy(leaver);
    const { id } = leaver;
    const nothing = { sessions: 0, packets: 0, bytes: 0, evicted: 0 };
    await run(leaver, `socket.join("room"); socket.data.name = "me"; 0`);
    await heard([sender, leaver], `io.emit("n", 1); io.to("room").emit("n", 2)`);
    expect(await kept(cluster)).toEqual(nothing);
    await breaks(leaver);
    await run(sender, `io.to("room").emit("n", 3); io.emit("n", 4); 0`);
    expect(await comesBack(leaver)).toBe(false);
    expect(leaver.id).not.toBe(id);
    await heard([sender, leaver], `io.emit("n", 5)`);
    expect(got).toEqual([1, 2, 5]);
    expect(await kept(cluster)).toEqual(nothing);
  },
);
