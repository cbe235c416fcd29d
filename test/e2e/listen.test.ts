import { expect, test } from "vitest";
import { fetchPlain, refuses } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";

/** Answers with what the app was told about its address, through every way of telling it. */
const app = (listen: string) => `
const server = require("http").createServer((req, res) => {
  told.later = server.address();
  res.end(JSON.stringify(told));
});
new (require("socket.io").Server)(server);
const told = { listening: [], callback: [] };
server.on("listening", () => told.listening.push(server.address()));
server.${listen};
`;

async function start(listen: string) {
  const daemon = new Daemon();
  daemon.write("app.js", app(listen));
  await daemon.pm2("start", "app.js", "-i", "2", "--sticky");
  const status = await daemon.ready(2);
  const port = (status.address as { port: number }).port;
  // Two connections go to two workers.
  const bodies = await Promise.all([1, 2].map(async () => (await fetchPlain(port)).body));
  return { daemon, port, told: bodies.map((body) => JSON.parse(body)) };
}

test("`listening`, the callback and address() tell an app the public port, once", async () => {
  const wanted = await freePort();
  const { port, told } = await start(`listen(${wanted}, () => told.callback.push(server.address()))`);
  expect(port).toBe(wanted);
  for (const { listening, callback, later } of told) {
    expect(listening).toEqual([{ address: "::", family: "IPv6", port }]);
    expect(callback).toEqual(listening);
    expect(later).toEqual(listening[0]);
  }
});

test("all workers of an app that listens on port 0 are told the one port that it got", async () => {
  const { port, told } = await start(`listen(0, "127.0.0.1", () => told.callback.push(server.address()))`);
  expect(port).toBeGreaterThan(0);
  const address = { address: "127.0.0.1", family: "IPv4", port };
  for (const each of told) {
    expect(each).toEqual({ listening: [address], callback: [address], later: address });
  }
});

test("an app that listens on a Unix socket is served there", async () => {
  const daemon = new Daemon();
  daemon.write("app.js", app(`listen(__dirname + "/public.sock")`));
  await daemon.pm2("start", "app.js", "-i", "2", "--sticky");
  const { address } = await daemon.ready(2);
  expect(address).toBe(`${daemon.folder}/public.sock`);
});

test("a port that the app asks for is closed with the app", async () => {
  const { daemon, port } = await start("listen(0)");
  await daemon.pm2("delete", "app");
  expect(await until(async () => (await refuses(port)) || undefined, "the port to be closed")).toBe(true);
  expect(await daemon.sticky()).toEqual([]);
});
