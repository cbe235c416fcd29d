import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connectedClients } from "../../../helpers/clients";
import { Cluster } from "../../../helpers/cluster";
import { breaks, caughtUp, comesBack, heardBy, recoverable } from "../../../helpers/recovery";
import { run, SCRIPTED } from "../../../helpers/relay";

/** A server that is not a worker of anything: `node app.js`. */
async function singleProcess(code: string): Promise<{ server: Cluster; sender: Socket; leaver: Socket }> {
  const listen = "httpServer.listen(0, () => process.send({ port: httpServer.address().port }));";
  const server = new Cluster("", { primary: code.replace("setupWorker(io);", listen) });
  await server.until(() => server.port > 0, "the server");
  const [sender, leaver] = await connectedClients(server.port, 2, { reconnection: false });
  return { server, sender: sender!, leaver: leaver! };
}

test.each([
  ["our adapter", recoverable()],
  ["Socket.IO's own", recoverable().replace("io.adapter(createAdapter());", "")],
])("in a single process with %s a client that comes back has missed nothing", async (_, code) => {
  const { sender, leaver } = await singleProcess(code);
  const got = heardBy(leaver);
  const { id } = leaver;
  await run(leaver, `socket.join("room"); socket.data.name = "me"; socket.data.f = () => {}; 0`);
  await run(sender, `io.emit("n", 1); 0`);
  await caughtUp(leaver);
  await breaks(leaver);
  await run(
    sender,
    `io.emit("n", 2); io.to("room").emit("n", Buffer.from([3])); io.except("room").emit("n", 4); 0`,
  );
  expect(await comesBack(leaver)).toBe(true);
  expect(leaver.id).toBe(id);
  expect(await run(leaver, `[socket.data.name, typeof socket.data.f, socket.rooms.has("room")]`)).toEqual([
    ...["me", "function", true],
  ]);
  await run(sender, `io.to("room").emit("n", 5); 0`);
  await caughtUp(leaver);
  expect(got).toEqual([1, 2, [3], 5]);
});

test("in a single process a packet that cannot be encoded is reported, and not kept", async () => {
  const { server, sender, leaver } = await singleProcess(recoverable());
  await caughtUp(leaver);
  await breaks(leaver);
  await run(sender, `io.emit("odd", 1n); 0`);
  expect(await comesBack(leaver)).toBe(true);
  expect(server.output).toContain('"odd"');
  expect(server.alive).toBe(true);
});

test("in a single process without recovery a client that comes back is new", async () => {
  const { sender, leaver } = await singleProcess(SCRIPTED);
  const got = heardBy(leaver);
  await breaks(leaver);
  await run(sender, `io.emit("n", 1); 0`);
  expect(await comesBack(leaver)).toBe(false);
  await caughtUp(leaver);
  expect(got).toEqual([]);
});
