import { Manager, type Socket } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import { connected } from "../helpers/clients";
import { START, startApp, worker } from "../helpers/planned-stops";

/** Two namespaces that count what they are sent, and give bytes back. */
const SOURCE = worker("", "{ connectionStateRecovery: {} }").replace(
  'io.on("connection", (socket) => {',
  `for (const nsp of [io, io.of("/second")]) nsp.on("connection", (socket) => {
    socket.data.sent ??= 0;
    socket.on("bytes", (n, bytes, answer) => {
      const expected = ++socket.data.sent;
      socket.emit("back", n, bytes);
      answer(n === expected ? bytes : "expected " + expected);
    });
  });
  io.on("connection", (socket) => {`,
);

const bytes = (n: number) => Buffer.alloc(1 + (n % 3) * 70_000, n);

/** Sends binary packets, one after the other, and looks at what comes back, until it is stopped. */
function busy(socket: Socket) {
  const back: number[] = [];
  const wrong: string[] = [];
  socket.on("back", (n: number, got: Uint8Array) => {
    if (!bytes(n).equals(Buffer.from(got))) wrong.push(`${n} came back different`);
    back.push(n);
  });
  socket.on("disconnect", (reason) => wrong.push(reason));
  let running = true;
  let sent = 0;
  const loop = (async () => {
    while (running) {
      sent++;
      const answer = await socket.timeout(20_000).emitWithAck("bytes", sent, bytes(sent)).catch(String);
      if (!bytes(sent).equals(Buffer.from(answer))) wrong.push(`${sent} was answered ${answer}`);
    }
  })();
  return {
    async stop() {
      running = false;
      await loop;
      await expect.poll(() => back.length, { timeout: 10_000 }).toBe(sent);
      expect(back).toEqual(Array.from({ length: sent }, (_, i) => i + 1));
      expect(wrong).toEqual([]);
    },
  };
}

test("binary packets of several namespaces on one connection are moved whole, in order and once", async () => {
  const { daemon, port } = await startApp(SOURCE + START, 2);
  const sockets = ["websocket", "polling"].flatMap((transport) => {
    const manager = new Manager(`http://localhost:${port}`, { transports: [transport] });
    onTestFinished(() => manager._close());
    return [manager.socket("/"), manager.socket("/second")];
  });
  await Promise.all(sockets.map(connected));
  const ids = sockets.map(({ id }) => id);
  const traffic = sockets.map(busy);
  for (let n = 0; n < 3; n++) expect((await daemon.pm2("reload", "app")).code).toBe(0);
  for (const { stop } of traffic) await stop();
  expect(sockets.map(({ id }) => id)).toEqual(ids);
});
