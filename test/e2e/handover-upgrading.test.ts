import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { HOLDING } from "../helpers/mid-reload";
import { startApp } from "../helpers/planned-stops";

/** A session that begins, upgrades and counts; what went wrong with it. */
async function oneSession(port: number): Promise<string[]> {
  const socket = client(port, { transports: ["polling", "websocket"], reconnection: false });
  const wrong: string[] = [];
  socket.on("connect_error", ({ message }) => wrong.push(message));
  socket.on("disconnect", (reason) => wrong.push(reason));
  for (let n = 1; n <= 12 && wrong.length === 0; n++) {
    const answer = await socket.timeout(10_000).emitWithAck("count", n).catch(String);
    if (answer !== n) wrong.push(`${n} was answered ${answer}`);
  }
  socket.off("disconnect");
  socket.close();
  return wrong;
}

test("sessions that begin and upgrade during reloads do not notice", async () => {
  const { daemon, port } = await startApp(HOLDING, 2);
  let running = true;
  const wrong: string[] = [];
  const loops = Array.from({ length: 4 }, async () => {
    while (running) wrong.push(...(await oneSession(port)));
  });
  for (let n = 0; n < 3; n++) expect((await daemon.pm2("reload", "app")).code).toBe(0);
  running = false;
  await Promise.all(loops);
  expect(wrong).toEqual([]);
});
