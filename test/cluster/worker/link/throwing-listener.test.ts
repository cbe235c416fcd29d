import type { Socket } from "socket.io-client";
import { describe, expect, test } from "vitest";
import { LINKS } from "../../../helpers/cluster";
import { caughtUp, heardBy, recoverable, senderAndLeaver } from "../../../helpers/recovery";
import { run, SCRIPTED } from "../../../helpers/relay";

const THROWING = `
process.on("uncaughtException", ({ message }) => console.log("uncaught: " + message));
io.on("boom", () => { throw new Error("in a listener"); });
io.on("connection", (socket) => socket.onAnyOutgoing((event) => {
  if (event === "bad") throw new Error("in an outgoing listener");
}));
`;

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe.each(LINKS)("what comes after an event whose listener throws is heard (%o)", (link) => {
  test.each([SCRIPTED, recoverable()])("by the clients of its worker (%#)", async (code) => {
    const { cluster, sender, leaver } = await senderAndLeaver({ ...link, code: code + THROWING });
    const got = heardBy(leaver);
    await run(sender, `for (let i = 0; i < 20; i++) { io.serverSideEmit("boom"); io.emit("n", i); } 0`);
    // Without recovery, what two workers send has no order among each other.
    await cluster.until(() => got.length >= 20, "the last packet");
    expect(got).toEqual(numbers(20));
    await cluster.until(
      () => cluster.output.split("uncaught: in a listener").length > 20,
      "20 uncaught errors",
    );
  });

  test("with recovery, also what that worker emits itself, and its acknowledgements", async () => {
    const { cluster, sender, leaver } = await senderAndLeaver({ ...link, code: recoverable() + THROWING });
    const got = heardBy(leaver);
    const both = (i: number): [Socket, string][] => [
      [sender, `io.serverSideEmit("boom"); 0`],
      [leaver, `io.emit("n", ${i}); 0`],
    ];
    await Promise.all(numbers(20).flatMap((i) => both(i).map(([client, code]) => run(client, code))));
    // Its listener throws in the worker of each client, before they have heard it.
    await run(leaver, `io.emit("bad"); io.emit("n", 20); 0`);
    await caughtUp(leaver);
    expect(got).toEqual(numbers(21));
    await cluster.until(() => cluster.output.includes("in an outgoing listener"), "the error");
  });
});
