import { expect, test } from "vitest";
import { CHAT, fetchPlain } from "../helpers/app-clients";
import { runsAsCluster } from "../helpers/single-process";

test("http and Express with `server.listen(port, callback)` is a cluster with no change", async () => {
  const { port } = await runsAsCluster(`
    const app = require("express")();
    const server = require("http").createServer(app);
    const io = new (require("socket.io").Server)(server);
    let listening = false;
    app.get("/", (req, res) => res.send(listening + " " + req.ip));
    server.listen(PORT_OF_TEST, () => { listening = true; });
    ${CHAT}`);
  expect((await fetchPlain(port, "/", "127.0.0.1")).body).toBe("true ::ffff:127.0.0.1");
});

test("`app.listen(port)`, and Socket.IO attached to what it returns, is a cluster with no change", async () => {
  const { port } = await runsAsCluster(`
    const app = require("express")();
    app.get("/", (req, res) => res.send("express"));
    const server = app.listen(PORT_OF_TEST);
    const io = require("socket.io")(server);
    ${CHAT}`);
  expect((await fetchPlain(port)).body).toBe("express");
});

test("`io.attach(port)` is a cluster with no change", async () => {
  await runsAsCluster(`
    const io = new (require("socket.io").Server)();
    io.attach(PORT_OF_TEST);
    ${CHAT}`);
});
