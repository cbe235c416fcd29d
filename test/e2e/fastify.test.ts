import { join } from "node:path";
import { expect, test } from "vitest";
import { CHAT, fetchPlain } from "../helpers/clients";
import { runsAsCluster } from "../helpers/single-process";
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

test("Fastify is a cluster with no change, whether Socket.IO is attached before or after `listen`", async () => {
  const folder = folderWith("fastify@5", "socket.io@4.8");
  for (const [file, source] of [
    ["before.js", app("attach();", LISTEN)],
    ["after.js", app(LISTEN, "attach();")],
    ["later.js", app(LISTEN, "await require('node:fs/promises').readdir(__dirname); attach();")],
  ] as const) {
    const { daemon, port } = await runsAsCluster(source, join(folder, file));
    expect((await fetchPlain(port)).body).toBe('{"from":"fastify"}');
    await daemon.pm2("delete", "all");
  }
});
