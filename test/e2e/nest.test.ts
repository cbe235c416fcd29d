import { join } from "node:path";
import { expect, test } from "vitest";
import { CHAT, fetchPlain } from "../helpers/app-clients";
import { runsAsCluster } from "../helpers/single-process";
import { folderWith } from "../helpers/users-folder";

/** What TypeScript makes of `@WebSocketGateway() class { @WebSocketServer() io }` and of a controller with one route. */
const APP = `
require("reflect-metadata");
const { Controller, Get, Module } = require("@nestjs/common");
const { NestFactory } = require("@nestjs/core");
const { WebSocketGateway } = require("@nestjs/websockets");

class Gateway { afterInit(io) { ${CHAT} } }
WebSocketGateway()(Gateway);

class Pages { hello() { return "nest"; } }
Controller()(Pages);
Get()(Pages.prototype, "hello", Object.getOwnPropertyDescriptor(Pages.prototype, "hello"));

class App {}
Module({ controllers: [Pages], providers: [Gateway] })(App);
NestFactory.create(App, { logger: false }).then((app) => app.listen(PORT_OF_TEST));
`;

test("a NestJS application with a gateway is a cluster with no change", async () => {
  const nest = ["common", "core", "platform-express", "websockets", "platform-socket.io"];
  const folder = folderWith(...nest.map((name) => `@nestjs/${name}@11`), "reflect-metadata@0.2", "rxjs@7");
  const { port } = await runsAsCluster(APP, join(folder, "main.js"));
  expect((await fetchPlain(port)).body).toBe("nest");
});
