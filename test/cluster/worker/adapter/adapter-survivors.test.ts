import { expect, test } from "vitest";
import { LINKS } from "../../../helpers/cluster";
import { run, threeWorkers } from "../../../helpers/relay";

test.each(LINKS)("a killed worker keeps nobody waiting for its answer (%o)", async (link) => {
  const { cluster, clients } = await threeWorkers(link);
  const [first, second] = clients;
  const victim = (await clients[2]!.emitWithAck("who")) as number;
  process.kill(victim, "SIGSTOP");
  const begin = Date.now();
  const found = run(first!, `io.fetchSockets().then((all) => all.length)`);
  const added = run(first!, `io.serverSideEmitWithAck("add", 1, 2)`);
  // The survivor has them: both questions are out.
  await run(second!, `io.fetchSockets; 0`);
  process.kill(victim, "SIGKILL");
  expect(await found).toBe(2);
  expect(await added).toEqual([3]);
  expect(Date.now() - begin).toBeLessThan(1000);
  await cluster.until(() => cluster.exited.includes(victim), "the worker's end");
  expect(await run(first!, `io.fetchSockets().then((all) => all.length)`)).toBe(2);
});
