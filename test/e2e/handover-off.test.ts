import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { connected } from "../helpers/clients";
import { expectWhole, HOLDING, TRANSPORTS } from "../helpers/mid-reload";
import { drained, startApp, untilSessions } from "../helpers/planned-stops";

/** A release of Socket.IO that keeps open acknowledgements in something else than a Map. */
const OTHER_RELEASE = HOLDING.replace(
  "io.adapter(",
  `io.use((socket, next) => {
    const { acks } = socket;
    socket.acks = {
      get: (id) => acks.get(id),
      set: (id, ack) => acks.set(id, ack),
      delete: (id) => acks.delete(id),
    };
    next();
  });
  io.adapter(`,
);

/** A reload with clients: all come back with the ids they had; returns what became of their sessions. */
async function reload(source: string, sticky: object = {}) {
  const { daemon, port } = await startApp(source, 2, sticky);
  const clients = TRANSPORTS.map((each) => client(port, { transports: [each] }));
  await Promise.all(clients.map(connected));
  await untilSessions(daemon, clients.length);
  const ids = clients.map(({ id }) => id);
  const back = clients.map(
    (each) => new Promise<void>((resolve) => each.io.once("reconnect", () => resolve())),
  );
  expect((await daemon.pm2("reload", "app")).code).toBe(0);
  await Promise.all(back);
  await expectWhole(daemon, clients, ids);
  for (const line of drained(daemon)) expect(line).toMatchObject({ moved: 0, failed: 0 });
  expect((await daemon.sticky())[0]!.handover.closed).toBeGreaterThanOrEqual(clients.length);
  return daemon;
}

test("where the installed Socket.IO is another, one line says that sessions are not moved, and all else works", async () => {
  const daemon = await reload(OTHER_RELEASE);
  for (const { pm_id } of await daemon.list()) {
    const log = readFileSync(`${daemon.home}/logs/app-error-${pm_id}.log`, "utf8");
    // From the worker that was replaced; what comes to the new one is restored, and passes no middleware.
    expect(log.match(/live sessions are not moved[^\n]*Socket\.acks[^\n]*STICKY_HANDOVER_OFF/g)).toHaveLength(
      1,
    );
  }
});

test("with handover: false sessions are closed, and recover by reconnecting", async () => {
  await reload(HOLDING, { handover: false });
});

test("a session with per-message deflate is closed, and recovers by reconnecting", async () => {
  const source = HOLDING.replace(
    "connectionStateRecovery: {}",
    "connectionStateRecovery: {}, perMessageDeflate: true",
  );
  const { daemon, port } = await startApp(source, 1);
  const deflating = client(port, { transports: ["websocket"] });
  const polling = client(port, { transports: ["polling"] });
  await Promise.all([deflating, polling].map(connected));
  const ids = [deflating.id, polling.id];
  await untilSessions(daemon, 2);
  expect((await daemon.pm2("reload", "app")).code).toBe(0);
  await expectWhole(daemon, [deflating, polling], ids);
  expect(deflating.recovered).toBe(true);
  expect(polling.recovered).toBe(false);
  expect(drained(daemon)).toMatchObject([{ moved: 1, closed: 1, failed: 0 }]);
});
