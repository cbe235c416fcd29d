import { expect, test } from "vitest";
import { refuses } from "../helpers/app-clients";
import { processesOf, until } from "../helpers/daemon";
import { expectWhole, HOLDING, type MidReload, midReload } from "../helpers/mid-reload";
import { drained } from "../helpers/planned-stops";

// The drains of these tests would last for as long as handover.drainTimeout.
const PATIENT = { handover: { timeout: 600_000, drainTimeout: 600_000 } };

/** No process of the app is left, nor its port. */
async function expectGone({ daemon, port }: MidReload): Promise<void> {
  const left = () => processesOf(daemon.home).filter(({ command }) => command.includes("app.js"));
  await until(() => left().length === 0 || undefined, "the app's processes to end");
  await until(async () => (await refuses(port)) || undefined, "the port to be closed");
}

test("pm2 stop --force ends the drain, and the worker that takes over", async () => {
  const mid = await midReload(PATIENT);
  const { code, stdout } = await mid.daemon.pm2("stop", "app", "--force");
  expect(code).toBe(0);
  expect(stdout).toContain("✓");
  await mid.reload;
  const left = processesOf(mid.daemon.home).filter(({ command }) => command.includes("app.js"));
  expect(left).toEqual([]);
  await until(() => drained(mid.daemon).length === 2 || undefined, "the lines of the log");
  const total = drained(mid.daemon).reduce((sum, { failed }) => sum + failed, 0);
  expect(total).toBe(mid.clients.length);
});

test("pm2 delete in the middle of a reload means both workers, and ends with the last session's wait", async () => {
  const mid = await midReload(PATIENT);
  const deleted = mid.daemon.pm2("delete", "app");
  await until(
    async () =>
      (await mid.daemon.sticky())[0]?.workers.every(({ state }) => state === "draining") || undefined,
    "both to drain",
  );
  mid.answer();
  expect((await deleted).code).toBe(0);
  await mid.reload;
  await expectGone(mid);
});

test("a second signal ends the daemon and its drains at once", async () => {
  const mid = await midReload(PATIENT);
  const { pid } = mid.daemon;
  process.kill(pid, "SIGTERM");
  await until(
    () => mid.daemon.log.includes("killed by signal") || undefined,
    "the daemon to hear the signal",
  );
  process.kill(pid, "SIGTERM");
  await until(() => processesOf(mid.daemon.home).every((each) => each.pid !== pid) || undefined, "its end");
  await expectGone(mid);
});

test("a client that does not answer in time is closed, and recovers by reconnecting", async () => {
  const source = HOLDING.replace(
    'socket.on("hold", (answer) => {',
    'socket.on("hold", () => { socket.emit("question", () => {}); return;',
  );
  const mid = await midReload({ handover: { timeout: 12_000 } }, source);
  const { daemon, clients, held, reload } = mid;
  const ids = clients.map(({ id }) => id);
  const disconnected: string[] = [];
  for (const each of clients)
    each.on("disconnect", () => disconnected.push(each === held ? "held" : "other"));
  expect((await reload).code).toBe(0);
  await expectWhole(daemon, clients, ids);
  expect(disconnected).toEqual(["held"]);
  expect(held.recovered).toBe(true);
  expect(drained(daemon)).toMatchObject([{ moved: clients.length - 1, closed: 1, failed: 0 }]);
});
