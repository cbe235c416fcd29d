import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { connected } from "../helpers/clients";
import { until } from "../helpers/daemon";
import { expectWhole, HOLDING, TRANSPORTS } from "../helpers/mid-reload";
import { startApp, untilSessions } from "../helpers/planned-stops";

/** A worker that takes its time to let sessions in that it takes over, if there is a file that says so. */
const HESITANT = HOLDING.replace(
  "connectionStateRecovery: {}",
  "connectionStateRecovery: { skipMiddlewares: false }",
).replace(
  "io.adapter(",
  `const { existsSync, writeFileSync } = require("fs");
  io.use((socket, next) => {
    if (!existsSync("hesitate")) return next();
    writeFileSync("adopting", String(process.pid));
  });
  io.adapter(`,
);

test("a worker dies while it takes sessions over: their clients come back and recover", async () => {
  const { daemon, port } = await startApp(HESITANT, 2);
  const clients = TRANSPORTS.map((each) => client(port, { transports: [each] }));
  await Promise.all(clients.map(connected));
  await untilSessions(daemon, clients.length);
  const ids = clients.map(({ id }) => id);
  daemon.write("hesitate", "");
  const reload = daemon.pm2("reload", "0");
  const adopting = join(daemon.folder, "adopting");
  const pid = await until(
    () => (existsSync(adopting) && Number(readFileSync(adopting))) || undefined,
    "adoption",
  );
  rmSync(join(daemon.folder, "hesitate"));
  process.kill(pid, "SIGKILL");
  expect((await reload).code).toBe(0);
  await daemon.ready(2);
  await expectWhole(daemon, clients, ids);
});
