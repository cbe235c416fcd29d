import { join } from "node:path";
import { test } from "vitest";
import { CHAT, isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort } from "../helpers/daemon";
import { folderWith } from "../helpers/users-folder";

const app = (attach: string, listen: string) => `
const fastify = require("fastify")();
fastify.get("/", async () => ({ from: "fastify" }));
let io;
const attach = () => {
  io = new (require("socket.io").Server)(fastify.server);
  ${CHAT}
};
(async () => { ${attach} ${listen} })();
`;
const LISTEN = `await fastify.listen({ port: PORT_OF_TEST, host: "0.0.0.0" });`;

test("a Fastify worker that attaches Socket.IO after `await listen` can join workers that serve", async () => {
  const folder = folderWith("fastify@5", "socket.io@4.8");
  const daemon = new Daemon();
  const port = await freePort();
  const source = app(LISTEN, "attach();").replaceAll("PORT_OF_TEST", String(port));
  await daemon.pm2("start", daemon.write(join(folder, "app.js"), source), "-i", "1", "--sticky");
  await daemon.ready(1);
  await daemon.pm2("scale", "app", "2");
  await daemon.ready(2);
  await isServedAsCluster(port);
});
