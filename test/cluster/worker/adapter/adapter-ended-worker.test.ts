import { expect, test } from "vitest";
import { LINKS } from "../../../helpers/cluster";
import { run, threeWorkers } from "../../../helpers/relay";

/** Is asked, tells its client so, and never answers. */
const MUTE = `
require("socket.io-adapter").Adapter.prototype.fetchSockets = () => {
  socket.emit("asked");
  return new Promise(() => {});
};
io.on("ask", () => socket.emit("asked"));
0`;

const ENDS = ["process.exit()", "io.close()", `require("node:cluster").worker.disconnect()`];
const CASES = LINKS.flatMap((link) => ENDS.map((end) => [end, link] as const));

test.each(CASES)("a worker that ends by %s keeps nobody waiting for its answers (%o)", async (end, link) => {
  const { clients } = await threeWorkers(link);
  const [first, second, third] = clients;
  await run(third!, MUTE);
  await run(second!, `io.on("ask", (answer) => answer("answer")); 0`);
  for (const client of [first!, second!]) client.on("question", (answer) => answer("answer"));
  const asked = new Promise<void>((resolve) => {
    let times = 0;
    const again = () => ++times === 3 && resolve();
    third!.on("asked", again).on("question", again);
  });
  // Longer than `run` waits, as far as that can be said.
  const answers = [
    `io.timeout(60_000).fetchSockets().then((all) => all.length)`,
    `io.timeout(60_000).emitWithAck("question")`,
    `io.serverSideEmitWithAck("ask")`,
  ].map((question) => run(first!, question));
  await asked;
  third!.emit("run", end, () => {});
  expect(await Promise.all(answers)).toEqual([2, ["answer", "answer"], ["answer"]]);
});
