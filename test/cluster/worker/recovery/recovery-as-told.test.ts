import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connectedClients } from "../../../helpers/clients";
import { LINKS } from "../../../helpers/cluster";
import {
  breaks,
  caughtUp,
  comesBack,
  heardBy,
  recoverable,
  senderAndLeaver,
} from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

/** Workers that do nothing else for a while, or die, as soon as their client has been told. */
const TELLING = `${recoverable()}
io.on("connection", (socket) => {
  for (const end = Date.now() + 500; socket.handshake.auth.busy && Date.now() < end; );
  socket.on("join and die", (answer) => {
    socket.join("room");
    answer();
    process.kill(process.pid, "SIGKILL");
  });
});`;

test.each(LINKS)("a client that was told it is connected can be restored from then on (%o)", async (link) => {
  const { cluster, sender } = await senderAndLeaver({ ...link, code: TELLING, workers: 3 });
  const how = { reconnection: false, auth: { busy: true } };
  const [leaver] = (await connectedClients(cluster.port, 1, how)) as [Socket];
  const got = heardBy(leaver);
  await breaks(leaver);
  await run(sender, `io.emit("n", 1); 0`);
  leaver.auth = {};
  expect(await comesBack(leaver)).toBe(true);
  await caughtUp(leaver);
  expect(got).toEqual([1]);
});

test.each(LINKS)(
  "a client that was told it has joined is a member, though its worker dies (%o)",
  async (link) => {
    const { cluster, sender, leaver } = await senderAndLeaver({ ...link, code: TELLING });
    const got = heardBy(leaver);
    await leaver.timeout(8000).emitWithAck("join and die");
    await cluster.until(() => cluster.exited.length === 1 && leaver.disconnected, "the worker's end");
    await run(sender, `io.to("room").emit("n", 1); 0`);
    expect(await comesBack(leaver)).toBe(true);
    await caughtUp(leaver);
    expect(got).toEqual([1]);
  },
);
