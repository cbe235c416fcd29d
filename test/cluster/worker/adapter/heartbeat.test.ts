import { expect, test } from "vitest";
import { until } from "../../../helpers/daemon";
import { run, SCRIPTED, threeWorkers } from "../../../helpers/relay";

const BEATING = SCRIPTED.replace(
  "createAdapter()",
  "createAdapter({ heartbeatInterval: 300, heartbeatTimeout: 3000 })",
);

test("a worker that is silent for heartbeatTimeout is not waited for until it is heard again", async () => {
  const { clients } = await threeWorkers({}, BEATING);
  const [first] = clients;
  const silent = (await clients[2]!.emitWithAck("who")) as number;
  process.kill(silent, "SIGSTOP");
  // Far more than `run` waits.
  expect(await run(first!, `io.timeout(60_000).fetchSockets().then((all) => all.length)`)).toBe(2);
  // The silent one would not answer in the time that Socket.IO gives.
  expect(await run(first!, `io.serverSideEmitWithAck("add", 1, 2)`)).toEqual([3]);

  process.kill(silent, "SIGCONT");
  const answers = async () => (await run(first!, `io.serverSideEmitWithAck("add", 1, 2)`)) as number[];
  await until(async () => (await answers()).length === 2 || undefined, "both to be asked");
});

const IMPATIENT = SCRIPTED.replace("createAdapter()", "createAdapter({ heartbeatTimeout: 200 })");

test("a worker whose app does not answer is waited for, and is not taken for one that stands still", async () => {
  const { clients } = await threeWorkers({}, IMPATIENT);
  const [first, second, third] = clients;
  await run(second!, `io.on("ask", () => {}); 0`);
  await run(third!, `io.on("ask", (answer) => setTimeout(() => answer("late"), 1000)); 0`);
  const asked = `io.serverSideEmitWithAck("ask").catch((error) => [error.message, error.responses])`;
  const [message, responses] = (await run(first!, asked)) as [string, unknown];
  expect(message).toContain("timeout reached: missing 1 responses");
  expect(responses).toEqual(["late"]);
  expect(await run(first!, `io.fetchSockets().then((all) => all.length)`)).toBe(3);
});
