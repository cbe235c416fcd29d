import { expect, test } from "vitest";
import { LINK_VERSION } from "../../src/protocol/messages";
import { FakeWorker, fakeApp } from "../helpers/fake-worker";

const OTHER = LINK_VERSION + 40;

test("a worker that speaks another version of the link is told the primary's, and lives", () => {
  const { app, lines } = fakeApp();
  const worker = new FakeWorker(app, OTHER);
  expect(worker.heard).toEqual([{ type: "unwelcome", version: LINK_VERSION }]);
  expect(worker.killed).toBe(false);
  const [line, ...more] = lines;
  expect(line).toContain("STICKY_LINK_VERSION");
  expect(line!.match(/\d+/g)).toEqual(expect.arrayContaining([`${OTHER}`, `${LINK_VERSION}`]));
  expect(more).toEqual([]);
});
