import { expect, test } from "vitest";
import { LINK_VERSION } from "../../src/protocol/messages";
import { FakeWorker, fakeApp } from "../helpers/fake-worker";

const OTHER = LINK_VERSION + 40;

test("a worker that speaks another version of the link is told the primary's alone, and lives", async () => {
  const { app, lines } = fakeApp();
  const worker = new FakeWorker(app, OTHER);
  expect(worker.heard).toEqual([{ type: "unwelcome", version: LINK_VERSION }]);
  expect(worker.killed).toBe(false);
  // Nothing else of what the others are told.
  const other = new FakeWorker(app);
  await new Promise((resolve) => setImmediate(resolve));
  expect(other.told("peers")).toHaveLength(1);
  expect(worker.heard).toHaveLength(1);
  const [line, ...more] = lines;
  expect(line).toContain("STICKY_LINK_VERSION");
  expect(line!.match(/\d+/g)).toEqual(expect.arrayContaining([`${OTHER}`, `${LINK_VERSION}`]));
  expect(more).toEqual([]);
});
