import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { isServedAsCluster, talk } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { OFFICIAL_CJS } from "../helpers/workers";

const GARBAGE = [
  "\r\n\r\n\r\n\r\n\r\n\r\n",
  "GET\0/ HTTP/1.1\r\n\r\n",
  "GET / HTTP/9.9\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "GET /socket.io/?EIO=4&transport=polling&sid=%00%ff%zz HTTP/1.1\r\nConnection: close\r\n\r\n",
  `GET /socket.io/?EIO=4&transport=websocket&sid=${"_".repeat(20)} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: close, Upgrade\r\n\r\n`,
  "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nContent-Length: -1\r\nTransfer-Encoding: no\r\n\r\n",
  `GET /${"x".repeat(70_000)} HTTP/1.1\r\n\r\n`,
];

test("neither garbage, nor clients that vanish, nor a killed worker take the daemon down", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("worker.js", OFFICIAL_CJS);
  await daemon.pm2("start", "worker.js", "-i", "2", "--port", String(port));
  const { workers } = await daemon.ready(2);
  const { pid } = daemon;
  const address = { port, host: "localhost" };

  for (const bytes of [...GARBAGE, ...Array.from({ length: 20 }, () => randomBytes(64))]) {
    // A reset is as good an answer as any.
    await talk(address, typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes).catch(() => "");
  }
  await Promise.all(
    Array.from({ length: 50 }, (_, i) => vanish(port, i % 2 === 0 ? "GET / HT" : "GET / HTTP/1.1\r\n")),
  );
  process.kill(workers[0]!.pid!, "SIGKILL");
  await expect
    .poll(async () => (await daemon.ready(2)).workers.map((each) => each.pid))
    .not.toContain(workers[0]!.pid);

  await isServedAsCluster(port);
  expect(daemon.pid).toBe(pid);
  expect(daemon.log).not.toMatch(/internal error|uncaught|TypeError/i);
  expect((await daemon.sticky())[0]).toMatchObject({ pending: 0, waiting: 0 });
});

/** Sends something and resets the connection at once. */
function vanish(port: number, bytes: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "localhost", () => socket.write(bytes, () => socket.resetAndDestroy()));
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}
