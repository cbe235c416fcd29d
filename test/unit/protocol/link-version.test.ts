import { expect, test } from "vitest";
import { describeVersions } from "../../../src/protocol/link-version";
import { LINK_VERSION } from "../../../src/protocol/messages";
import { FakeWorker, fakeApp } from "../../helpers/fake-worker";

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

test.each([
  ["older", 1, 2, "update the app's package: npm install pm2-socket.io@latest"],
  ["newer", 2, 1, "update the primary's package: npm install -g pm2-socket.io@latest, then: pm2 update"],
])("if the worker's link is %s, the report names the side to update", (_, worker, primary, remedy) => {
  const line = describeVersions(worker, primary);
  expect(line).toContain(`speaks version ${worker} of the link, the primary speaks ${primary}`);
  expect(line).toContain(remedy);
});
