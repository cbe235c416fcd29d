import { expect, test } from "vitest";
import { recoverable } from "../../../helpers/recovery";
import { heard, run, SCRIPTED, threeWorkers } from "../../../helpers/relay";

test.each([
  ["without", SCRIPTED],
  ["with", recoverable()],
])(
  "rooms that are neither strings nor numbers are rooms on other workers, too, %s recovery",
  async (_, code) => {
    const { cluster, clients } = await threeWorkers({}, code);
    await run(clients[1]!, `socket.join(true); 0`);
    expect(await heard(clients, `io.to(true).emit("event", 1)`)).toEqual([undefined, 1, undefined]);
    expect(await heard(clients, `io.except(true).emit("event", 2)`)).toEqual([2, undefined, 2]);
    expect(await heard(clients, `io.except(undefined).emit("event", 3)`)).toEqual([3, 3, 3]);
    clients[1]!.on("ask", (answer) => answer(1));
    expect(await run(clients[0]!, `io.to(true).timeout(5000).emitWithAck("ask")`)).toEqual([1]);
    expect(cluster.exited).toEqual([]);
  },
);
