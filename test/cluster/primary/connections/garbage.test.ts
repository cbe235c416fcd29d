import { assert, asyncProperty, constantFrom, oneof, string, tuple, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { startCluster } from "../../../helpers/cluster";
import { RawClient } from "../../../helpers/raw-client";

const bytes = uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array));
const almostHttp = tuple(
  constantFrom("GET ", "POST /?sid=", "G", "\r\n\r\nGET /", "PRI * HTTP/2.0\r\n\r\n"),
  string(),
  constantFrom(" HTTP/1.1\r\n\r\n", " HTTP/1.1\r\nContent-Length: x\r\n\r\n", "\n", ""),
).map((parts) => Buffer.from(parts.join("")));

test("no bytes a client can send take the primary or a worker down", async () => {
  const cluster = await startCluster();
  const send = async (garbage: Buffer) => {
    const client = new RawClient({ port: cluster.port });
    client.socket.end(garbage);
    client.socket.resume();
    await client.closed;
    client.socket.destroy();
  };
  await assert(asyncProperty(oneof(bytes, almostHttp), send), { numRuns: 300 });
  expect((await new RawClient({ port: cluster.port }).request("GET", "/")).status).toBe(200);
  expect(cluster.alive).toBe(true);
  expect(cluster.exited).toEqual([]);
  expect(cluster.output).toBe("");
});
