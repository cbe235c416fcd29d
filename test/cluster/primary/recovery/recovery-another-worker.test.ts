import { expect, test } from "vitest";
import {
  breaks,
  caughtUp,
  comesBack,
  heardBy,
  senderAndLeaver,
  WAYS,
  workerOf,
} from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

test.each(WAYS)(
  "a client that lands on another worker is who it was, and finds what it missed (%o)",
  async ({ link, transport }) => {
    const { sender, leaver } = await senderAndLeaver({ ...link, transport });
    const got = heardBy(leaver);
    const { id } = leaver;
    const before = await workerOf(leaver);
    await run(leaver, `socket.join("room"); socket.join(1); socket.data.name = "me"; 0`);
    await run(sender, `io.to("room").emit("n", 1); 0`);
    await caughtUp(leaver);

    await breaks(leaver);
    await run(sender, `io.to("room").emit("n", 2); io.to(1).emit("n", Buffer.from([3, 0, 255])); 0`);
    await run(sender, `io.to("1").emit("n", "not a member"); io.except("room").emit("n", "not either"); 0`);
    await run(sender, `io.to(["room", "${id}"]).emit("n", 4); io.emit("n", 5); 0`);
    expect(await comesBack(leaver)).toBe(true);

    expect(await workerOf(leaver)).not.toBe(before);
    expect(leaver.id).toBe(id);
    expect(await run(leaver, `[socket.data.name, socket.recovered, [...socket.rooms]]`)).toEqual([
      "me",
      true,
      expect.arrayContaining([id, "room", 1]),
    ]);
    await run(sender, `io.to("room").emit("n", Buffer.from([6])); 0`);
    await caughtUp(leaver);
    expect(got).toEqual([1, 2, [3, 0, 255], 4, 5, [6]]);
  },
);
