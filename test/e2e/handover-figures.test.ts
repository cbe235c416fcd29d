import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { connected } from "../helpers/clients";
import { drained, RECOVERABLE, START, startApp, untilSessions, worker } from "../helpers/planned-stops";

const TRANSPORTS = ["websocket", "polling", "websocket", "polling", "websocket", "websocket"];

async function reloadWithClients(source: string) {
  const { daemon, port } = await startApp(source, 2);
  await Promise.all(TRANSPORTS.map((each) => connected(client(port, { transports: [each] }))));
  await untilSessions(daemon, TRANSPORTS.length);
  expect((await daemon.pm2("reload", "app")).code).toBe(0);
  const [app] = await daemon.sticky();
  return { daemon, figures: app!.handover };
}

test("every session that a reload moves is counted: by pm2 sticky, and in a line of the log for each worker", async () => {
  const { daemon, figures } = await reloadWithClients(RECOVERABLE);
  const lines = drained(daemon);
  expect(lines.map(({ slot }) => slot).sort()).toEqual([0, 1]);
  expect(lines.reduce((sum, { moved }) => sum + moved, 0)).toBe(figures.moved);
  expect(figures.moved).toBeGreaterThanOrEqual(TRANSPORTS.length);
  expect(figures).toMatchObject({ closed: 0, failed: 0 });
  await untilSessions(daemon, TRANSPORTS.length);
  expect((await daemon.pm2("sticky")).stdout.split("\n")[0]).toContain(
    `sessions: ${figures.moved} moved, 0 closed, 0 failed`,
  );
});

test("sessions that cannot be moved are counted as closed", async () => {
  const { daemon, figures } = await reloadWithClients(worker() + START);
  const lines = drained(daemon);
  expect(lines).toHaveLength(2);
  expect(lines.reduce((sum, { closed }) => sum + closed, 0)).toBe(figures.closed);
  expect(figures.closed).toBeGreaterThanOrEqual(TRANSPORTS.length);
  expect(figures).toMatchObject({ moved: 0, failed: 0 });
  await untilSessions(daemon, TRANSPORTS.length);
});
