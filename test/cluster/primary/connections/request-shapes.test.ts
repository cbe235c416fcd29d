import { setImmediate } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { type Cluster, startCluster, WORKER } from "../../../helpers/cluster";
import { PollingSession, RawClient } from "../../../helpers/raw-client";

const CODE = `${WORKER}
io.on("connection", (socket) => socket.on("echo", (text, answer) => answer(text)));`;

describe.each(["direct", "forwarded"])(
  "a request on a connection to its worker or to another (%s)",
  (path) => {
    let cluster: Cluster;
    let session: PollingSession;
    let other: PollingSession;
    let connection: RawClient;

    beforeEach(async () => {
      cluster = await startCluster(CODE);
      const direct = new RawClient({ port: cluster.port });
      session = await PollingSession.open(direct);
      const misrouted = new RawClient({ port: cluster.port });
      other = await PollingSession.open(misrouted);
      connection = path === "direct" ? direct : misrouted;
    });

    test("may have a body that comes slowly, byte by byte", async () => {
      const packet = '420["echo","slow"]';
      connection.send("POST", session.target, undefined, [`Content-Length: ${packet.length}`]);
      for (const byte of packet) {
        connection.write(byte);
        await setImmediate();
      }
      expect((await connection.response()).text).toBe("ok");
      expect((await session.poll(connection)).text).toBe('430["slow"]');
    });

    test("may ask whether to continue before it sends its body", async () => {
      const packet = '420["echo","expected"]';
      const headers = ["Expect: 100-continue", `Content-Length: ${packet.length}`];
      connection.send("POST", session.target, undefined, headers);
      expect((await connection.response()).status).toBe(100);
      connection.write(packet);
      expect((await connection.response()).text).toBe("ok");
      expect((await session.poll(connection)).text).toBe('430["expected"]');
    });

    test("may be one of a pipeline, answered in order", async () => {
      for (const id of [0, 1, 2]) {
        connection.send("POST", session.target, `42${id}["who"]`);
        connection.send("GET", "/");
        connection.send("POST", other.target, `42${id}["who"]`);
      }
      for (let round = 0; round < 3; round++) {
        expect((await connection.response()).headers["x-pid"]).toBe(String(session.pid));
        expect((await connection.response()).text).toMatch(/^plain /);
        expect((await connection.response()).headers["x-pid"]).toBe(String(other.pid));
      }
    });

    test("is answered although the client has ended its side", async () => {
      await session.post(connection, '420["who"]');
      connection.send("GET", session.target);
      connection.socket.end();
      expect((await connection.response()).text).toBe(`430[${session.pid}]`);
      await connection.closed;
    });
  },
);

test("a client that sends a request and ends its side in one go is answered", async () => {
  const { port } = await startCluster(CODE);
  const client = new RawClient({ port });
  client.socket.end("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect((await client.response()).text).toMatch(/^plain /);
  await client.closed;
});

test("a head that comes byte by byte reaches the worker of its session", async () => {
  const { port } = await startCluster(CODE);
  const session = await PollingSession.open(new RawClient({ port }));
  const client = new RawClient({ port });
  for (const byte of `POST ${session.target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n420["who"]`) {
    client.write(byte);
    await setImmediate();
  }
  const { status, headers } = await client.response();
  expect({ status, pid: headers["x-pid"] }).toEqual({ status: 200, pid: String(session.pid) });
});

test("a connection may begin with a pipeline", async () => {
  const { port } = await startCluster(CODE);
  const client = new RawClient({ port });
  const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  client.write(request.repeat(3));
  for (let i = 0; i < 3; i++) expect((await client.response()).status).toBe(200);
});
