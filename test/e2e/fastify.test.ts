import { join } from "node:path";
import { expect, test } from "vitest";
import { CHAT, fetchPlain } from "../helpers/app-clients";
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

test("Fastify is a cluster with no change", async () => {
  const folder = folderWith("fastify@5", "socket.io@4.8");
  const { port } = await runsAsCluster(app("attach();", LISTEN), join(folder, "app.js"));
  expect((await fetchPlain(port)).body).toBe('{"from":"fastify"}');
});
