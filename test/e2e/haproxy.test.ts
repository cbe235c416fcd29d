import { test } from "vitest";
import { alternatesOnOneConnection, servesManyClients, startApp } from "../helpers/behind-proxy";
import { startHaproxy } from "../helpers/proxy";

test("behind HAProxy, many clients on all transports are answered by their own workers", async (context) => {
  const { daemon, port } = await startApp();
  await servesManyClients(daemon, await startHaproxy(context, port));
});

test("behind HAProxy, 1,000 requests of two sessions and plain HTTP on one connection find their workers", async (context) => {
  const { daemon, port } = await startApp();
  await alternatesOnOneConnection(daemon, await startHaproxy(context, port));
});
