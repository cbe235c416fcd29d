import { expect, test } from "vitest";
import { until } from "../helpers/daemon";
import { expectWhole, midReload } from "../helpers/mid-reload";
import { drained } from "../helpers/planned-stops";

test("the old worker dies in its drain: who had moved stays, who had not comes back and recovers", async () => {
  const { daemon, clients, held, old, reload } = await midReload();
  const ids = clients.map(({ id }) => id);
  const disconnected: unknown[] = [];
  for (const each of clients) each.on("disconnect", () => disconnected.push(each.id ?? ids[0]));
  process.kill(old, "SIGKILL");
  await until(() => disconnected.length > 0 || undefined, "the held client to notice");
  await expectWhole(daemon, clients, ids);
  expect(disconnected).toHaveLength(1);
  expect(held.recovered).toBe(true);
  expect((await reload).code).toBe(0);
  await until(() => drained(daemon).length > 0 || undefined, "the line of the log");
  expect(drained(daemon)).toMatchObject([{ moved: clients.length - 1, closed: 0, failed: 1 }]);
});

test("the new worker dies when it has taken over: all come back and recover", async () => {
  const { daemon, clients, fresh, reload, answer } = await midReload();
  const ids = clients.map(({ id }) => id);
  process.kill(fresh, "SIGKILL");
  answer();
  expect((await reload).code).toBe(0);
  await daemon.ready(1);
  await expectWhole(daemon, clients, ids);
});

test("clients die in the middle: nothing is left of them", async () => {
  const { daemon, clients, held, reload, answer } = await midReload();
  const survivors = clients.slice(1, 4);
  const ids = survivors.map(({ id }) => id);
  for (const each of [held, ...clients.slice(4)]) each.io.reconnection(false);
  for (const each of clients.slice(4)) each.io.engine.close();
  // Without a word, while nobody reads from it.
  (held.io.engine.transport as unknown as { ws: { terminate(): void } }).ws.terminate();
  answer();
  expect((await reload).code).toBe(0);
  await expectWhole(daemon, survivors, ids);
});
