import { expect, test } from "vitest";
import { breaks, caughtUp, comesBack, heardBy, senderAndLeaver, WAYS } from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

test.each(WAYS)(
  "a client that has not received anything yet is recovered (%o)",
  async ({ link, transport }) => {
    const { sender, leaver } = await senderAndLeaver({ ...link, transport });
    const got = heardBy(leaver);
    const { id } = leaver;
    await breaks(leaver);
    await run(sender, `io.emit("n", 1); io.to("${id}").emit("n", 2); 0`);
    expect(await comesBack(leaver)).toBe(true);
    expect(leaver.id).toBe(id);
    await run(sender, `io.emit("n", 3); 0`);
    await caughtUp(leaver);
    expect(got).toEqual([1, 2, 3]);
  },
);
