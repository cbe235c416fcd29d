import { expect, test } from "vitest";
import { CHAT, fetchPlain } from "../helpers/app-clients";
import { freePort } from "../helpers/daemon";
import { runsAsCluster } from "../helpers/single-process";

test("an app's other HTTP server, metrics on a port of its own, stays an ordinary cluster server", async () => {
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
  expect((await daemon.sticky()).map(({ listener }) => listener)).toEqual([`port ${port}`]);
});
