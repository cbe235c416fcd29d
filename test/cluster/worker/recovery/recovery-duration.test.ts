import { expect, test } from "vitest";
import { startCluster } from "../../../helpers/cluster";
import { until } from "../../../helpers/daemon";
import { askedPrimary } from "../../../helpers/primary";
import { recoverable } from "../../../helpers/recovery";

test("a shorter maxDisconnectionDuration holds once no worker asks for the longer one", async () => {
  const duration = `require("node:cluster").worker.id > 2 ? 60_000 : 600_000`;
  const code = recoverable({ maxDisconnectionDuration: "DURATION" }).replace('"DURATION"', duration);
  const cluster = await startCluster(code, { primary: askedPrimary({}) });
  const keptMs = () => cluster.ask<number>("app.relay.recovery.durations.longest.ms");
  expect(await keptMs()).toBe(600_000);
  const [first, second] = cluster.forked as [number, number];
  process.kill(first, "SIGKILL");
  await cluster.readyWorkers(3);
  expect(await keptMs()).toBe(600_000);
  process.kill(second, "SIGKILL");
  await until(async () => (await keptMs()) === 60_000 || undefined, "the shorter duration");
});
