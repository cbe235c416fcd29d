import { test } from "vitest";
import { alternatesOnOneConnection, servesManyClients, startApp } from "../helpers/behind-proxy";
import { startNginx } from "../helpers/proxy";

test("behind nginx, many clients on all transports are answered by their own workers", async (context) => {
  const { daemon, port } = await startApp();
  await servesManyClients(daemon, await startNginx(context, port));
});

test("behind nginx, 1,000 requests of two sessions and plain HTTP on one connection find their workers", async (context) => {
  const { daemon, port } = await startApp();
  await alternatesOnOneConnection(daemon, await startNginx(context, port));
});
