import { expect, test } from "vitest";
import { clients, connected, upgraded } from "../../../helpers/clients";
import { LINKS, startCluster, WORKER } from "../../../helpers/cluster";

const BEFORE = (generate: string) => WORKER.replace("setupWorker(io);", `${generate}\nsetupWorker(io);`);
const AFTER = (generate: string) => `${WORKER}\n${generate}`;
const UUID = `io.engine.generateId = () => require("node:crypto").randomUUID();`;
const ASYNC = `io.engine.generateId = async (req) => {
  await require("node:timers/promises").setImmediate();
  return "user-" + require("node:crypto").randomBytes(30).toString("hex");
};`;
const SHORT = `io.engine.generateId = () => require("node:crypto").randomBytes(3).toString("hex");`;
/** As long as our own ids and of the same alphabet: they name some worker, but not always the one they live on. */
const LOOKALIKE = `io.engine.generateId = () => "AA" + require("node:crypto").randomBytes(9).toString("hex");`;

test.each([
  ["UUIDs, set before setupWorker", BEFORE(UUID), LINKS[0]!],
  ["UUIDs, set after setupWorker", AFTER(UUID), LINKS[2]!],
  ["asynchronous, set before setupWorker", BEFORE(ASYNC), LINKS[1]!],
  ["asynchronous, set after setupWorker", AFTER(ASYNC), LINKS[0]!],
  ["short", AFTER(SHORT), LINKS[1]!],
  ["look like ours", AFTER(LOOKALIKE), LINKS[0]!],
  ["our own", WORKER, LINKS[0]!],
])("clients connect over every transport when ids are %s", async (_, code, link) => {
  const { port, forked } = await startCluster(code, { workers: 4, ...link });
  const polling = clients(port, 20, { transports: ["polling"] });
  const websocket = clients(port, 20, { transports: ["websocket"] });
  const both = clients(port, 20, { transports: ["polling", "websocket"] });
  await Promise.all([...[...polling, ...websocket].map(connected), ...both.map(upgraded)]);

  const all = [...polling, ...websocket, ...both];
  const pids = await Promise.all(all.map((client) => client.timeout(5000).emitWithAck("who")));
  expect(new Set(pids)).toEqual(new Set(forked));
});
