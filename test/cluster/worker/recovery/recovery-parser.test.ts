import * as parser from "socket.io-msgpack-parser";
import { expect, test } from "vitest";
import { hears } from "../../../helpers/clients";
import {
  breaks,
  caughtUp,
  comesBack,
  heardBy,
  recoverable,
  senderAndLeaver,
  WAYS,
  workerOf,
} from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

const code = recoverable({}, `parser: require("socket.io-msgpack-parser"),`);

test.each(WAYS)(
  "with socket.io-msgpack-parser a client is recovered as with Socket.IO's own (%o)",
  async ({ link, transport }) => {
    const { cluster, sender, leaver } = await senderAndLeaver({
      ...link,
      code,
      transport,
      client: { parser },
      workers: 3,
    });
    const got = heardBy(leaver);
    const { id } = leaver;
    await breaks(leaver);
    await run(sender, `io.emit("n", 1); io.emit("n", Buffer.from([2])); 0`);
    expect(await comesBack(leaver)).toBe(true);
    await run(leaver, `socket.join("room"); 0`);

    const gone = hears(leaver, "disconnect");
    process.kill(await workerOf(leaver), "SIGKILL");
    await gone;
    await cluster.until(() => cluster.exited.length === 1, "the worker's end");
    await run(sender, `io.to("room").emit("n", Buffer.from([3])); io.to("${id}").emit("n", "4"); 0`);
    expect(await comesBack(leaver)).toBe(true);
    expect(leaver.id).toBe(id);
    await run(sender, `io.to("room").emit("n", 5); 0`);
    await caughtUp(leaver);
    expect(got).toEqual([1, [2], [3], "4", 5]);
  },
);
