import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connected, hears } from "../helpers/clients";
import { breaks, caughtUp, heardBy, senderAndLeaver, WAYS } from "../helpers/recovery";
import { run } from "../helpers/relay";

test.each(WAYS)(
  "all namespaces of a connection are recovered, each with what it missed (%o)",
  async ({ link, transport }) => {
    const { sender, leaver } = await senderAndLeaver({ ...link, transport });
    const other = leaver.io.socket("/other") as Socket;
    await connected(other);
    const sockets = [leaver, other];
    const got = sockets.map(heardBy);
    const ids = sockets.map(({ id }) => id);
    await run(leaver, `socket.join("room"); io.of("/other").in("${other.id}").socketsJoin("room"); 0`);
    // It has received something in the one, nothing in the other.
    await run(sender, `io.emit("n", 1); 0`);
    await caughtUp(leaver);

    const bothGone = sockets.map((socket) => hears(socket, "disconnect"));
    await breaks(leaver);
    await Promise.all(bothGone);
    await run(sender, `io.to("room").emit("n", 2); io.of("/other").to("room").emit("n", 20); 0`);
    await run(sender, `io.of("/other").emit("n", 30); io.emit("n", 3); 0`);
    const bothBack = sockets.map(connected);
    for (const socket of sockets) socket.connect();
    await Promise.all(bothBack);

    expect(sockets.map(({ recovered }) => recovered)).toEqual([true, true]);
    expect(sockets.map(({ id }) => id)).toEqual(ids);
    await run(sender, `io.of("/other").to("room").emit("n", 40); io.to("room").emit("n", 4); 0`);
    await caughtUp(leaver);
    expect(got).toEqual([
      [1, 2, 3, 4],
      [20, 30, 40],
    ]);
  },
);
