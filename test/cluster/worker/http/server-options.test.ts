import { expect, test } from "vitest";
import { startCluster, WORKER } from "../../../helpers/cluster";
import { RawClient } from "../../../helpers/raw-client";

/** `createServer` with options instead of none. */
const withOptions = (options: string) =>
  WORKER.replace("createServer((req, res)", `createServer(${options}, (req, res)`);

test("keepAliveTimeout of the worker's server closes an idle connection", async () => {
  const { port } = await startCluster(withOptions("{ keepAliveTimeout: 1000 }"));
  const client = new RawClient({ port });
  const { headers } = await client.request("GET", "/");
  expect(headers["keep-alive"]).toBe("timeout=1");
  await client.closed;
});

test("headersTimeout of the worker's server ends a request whose headers do not come", async () => {
  const options = "{ headersTimeout: 200, requestTimeout: 0, connectionsCheckingInterval: 50 }";
  const { port } = await startCluster(withOptions(options));
  const client = new RawClient({ port });
  client.write("GET / HTTP/1.1\r\nHost: local");
  expect((await client.response()).status).toBe(408);
  await client.closed;
});

test("requestTimeout of the worker's server ends a request whose body does not come", async () => {
  const options = "{ requestTimeout: 200, headersTimeout: 100, connectionsCheckingInterval: 50 }";
  const { port } = await startCluster(withOptions(options));
  const client = new RawClient({ port });
  client.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n1234");
  // The handler answers at once; the connection is ended for the sake of the body.
  expect((await client.response()).status).toBe(200);
  await client.closed;
});

test("the user's own request handler answers what is not Socket.IO's, and is told the client's address", async () => {
  const { port } = await startCluster(undefined, { host: "0.0.0.0" });
  const client = new RawClient({ port, host: "127.0.0.1", localAddress: "127.0.0.2" });
  const { status, headers, text } = await client.request("GET", "/own?sid=AAAAAAAAAAAAAAAAAAAA");
  expect({ status, text }).toEqual({ status: 200, text: "plain 127.0.0.2" });
  expect(headers.connection).toBe("keep-alive");
});
