import { expect, test } from "vitest";
import { CHAT, fetchPlain } from "../helpers/app-clients";
import { freePort } from "../helpers/daemon";
import { runsAsCluster } from "../helpers/single-process";

test("an app's other HTTP server, metrics on a port of its own, is served there by all workers", async () => {
  const metrics = await freePort();
  const { daemon, port } = await runsAsCluster(`
    const { createServer } = require("http");
    const told = [];
    const metrics = createServer((req, res) => res.end("metrics " + told + " " + metrics.address().port));
    metrics.listen(${metrics}, () => told.push("callback"));
    const server = createServer((req, res) => res.end("app"));
    const io = new (require("socket.io").Server)(server);
    server.listen(PORT_OF_TEST);
    ${CHAT}`);

  expect((await fetchPlain(metrics)).body).toBe(`metrics callback ${metrics}`);
  expect((await fetchPlain(port)).body).toBe("app");
  const [app] = await daemon.sticky();
  expect(app!.addresses).toMatchObject([
    { listener: `port ${port}`, state: "open", slots: [0, 1] },
    { listener: `port ${metrics}`, state: "open", slots: [0, 1] },
  ]);
});
