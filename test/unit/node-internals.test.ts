import { connect, createServer, type Server, Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { handleOf, resumeReading, stopReading } from "../../src/node-internals";

let server: Server;
let client: Socket;
let accepted: Socket;

beforeEach(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const connection = new Promise<Socket>((resolve) => server.once("connection", resolve));
  client = connect((server.address() as { port: number }).port, "127.0.0.1");
  accepted = await connection;
});

afterEach(() => {
  client.destroy();
  accepted.destroy();
  server.close();
});

const write = (text: string) => new Promise<unknown>((resolve) => client.write(text, resolve));

/** Stops at the first chunk; then another one comes. */
async function stopBetween(first: string, second: string): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    accepted.once("data", () => {
      stopReading(accepted);
      resolve();
    });
  });
  await write(first);
  await stopped;
  await write(second);
  for (let turn = 0; turn < 5; turn++) await setImmediate();
}

test("what comes after reading was stopped stays for the connection's next owner", async () => {
  await stopBetween("head", "body");
  expect(accepted.readableLength).toBe(0);
  const next = new Socket({ handle: handleOf(accepted), readable: true, writable: true } as object);
  const data = new Promise((resolve) => next.once("data", resolve));
  resumeReading(next);
  expect(await data).toEqual(Buffer.from("body"));
});

test("a connection that found no next owner can be read again", async () => {
  await stopBetween("head", "body");
  const data = new Promise((resolve) => accepted.once("data", resolve));
  resumeReading(accepted);
  expect(await data).toEqual(Buffer.from("body"));
});
