import { expect, test } from "vitest";
import { LINKS } from "../../../helpers/cluster";
import { run, threeWorkers } from "../../../helpers/relay";

/** The client's answers come from a worker that is killed before it has all of them. */
test.each(LINKS)(
  "a worker that dies amid a broadcast with acknowledgements keeps nobody waiting (%o)",
  async (link) => {
    const { cluster, clients } = await threeWorkers(link);
    const [first, second, third] = clients;
    const victim = (await third!.emitWithAck("who")) as number;
    first!.on("question", (answer) => answer(1));
    second!.on("question", (answer) => answer(2));
    // It has told how many clients it has; they never answer.
    const asked = new Promise<void>((resolve) => third!.on("question", () => resolve()));
    const begin = Date.now();
    const answers = run(first!, `io.timeout(7000).emitWithAck("question")`);
    await asked;
    process.kill(victim, "SIGKILL");
    expect(((await answers) as number[]).sort()).toEqual([1, 2]);
    expect(Date.now() - begin).toBeLessThan(1000);
    await cluster.until(() => cluster.exited.includes(victim), "the worker's end");
  },
);

test.each(LINKS)("a worker that never heard the question is not waited for either (%o)", async (link) => {
  const { clients } = await threeWorkers(link);
  const [first, second, third] = clients;
  const victim = (await third!.emitWithAck("who")) as number;
  process.kill(victim, "SIGSTOP");
  first!.on("question", (answer) => answer(1));
  const asked = new Promise<void>((resolve) =>
    second!.on("question", (answer) => {
      answer(2);
      resolve();
    }),
  );
  const begin = Date.now();
  const answers = run(first!, `io.timeout(7000).emitWithAck("question")`);
  await asked;
  process.kill(victim, "SIGKILL");
  expect(((await answers) as number[]).sort()).toEqual([1, 2]);
  expect(Date.now() - begin).toBeLessThan(1000);
});

test("clients that do not answer in time are an error with the answers there are", async () => {
  const { clients } = await threeWorkers();
  const [first, second] = clients;
  first!.on("question", (answer) => answer(1));
  second!.on("question", (answer) => answer(2));
  const asked = run(
    first!,
    `io.timeout(500).emitWithAck("question").catch((error) => [error.message, error.responses.sort()])`,
  );
  expect(await asked).toEqual(["operation has timed out", [1, 2]]);
});

test("all answers come, from workers with many clients or none in the room", async () => {
  const { clients } = await threeWorkers();
  clients.forEach((client, i) => void client.on("question", (answer) => answer(i)));
  expect(((await run(clients[0]!, `io.timeout(7000).emitWithAck("question")`)) as number[]).sort()).toEqual([
    0, 1, 2,
  ]);
  const to = `io.to("${clients[2]!.id}").timeout(7000).emitWithAck("question")`;
  expect(await run(clients[0]!, to)).toEqual([2]);
});

test("clients of all workers are asked the same, whatever cannot be copied", async () => {
  const { clients } = await threeWorkers();
  for (const client of clients) client.on("question", (value, answer) => answer(value));
  const odd = `{ id: { toJSON: () => "plain" }, f() {}, bytes: [Buffer.from([7])], date: new Date(0) }`;
  const plain = { id: "plain", bytes: [Buffer.from([7])], date: "1970-01-01T00:00:00.000Z" };
  expect(await run(clients[0]!, `io.timeout(8000).emitWithAck("question", ${odd})`)).toEqual([
    plain,
    plain,
    plain,
  ]);
});

test("without any client there are no answers, at once", async () => {
  const { clients } = await threeWorkers();
  // Far more than `run` waits.
  for (const nobody of [
    `io.to("nobody")`,
    `io.of("/other")`,
    `io.except("${clients.map(({ id }) => id)}".split(","))`,
  ]) {
    expect(await run(clients[0]!, `${nobody}.timeout(60_000).emitWithAck("question")`)).toEqual([]);
  }
});

test("clients that are left out are not asked", async () => {
  const { clients } = await threeWorkers();
  clients.forEach((client, i) => void client.on("question", (answer) => answer(i)));
  await run(clients[1]!, `socket.join("room"); 0`);
  const asked = `io.except("room").timeout(7000).emitWithAck("question")`;
  expect(((await run(clients[0]!, asked)) as number[]).sort()).toEqual([0, 2]);
});

test("questions and answers may be binary", async () => {
  const { clients } = await threeWorkers();
  clients.forEach(
    (client, i) => void client.on("question", (bytes, answer) => answer(Buffer.from([...bytes, i]))),
  );
  const answers = await run(clients[0]!, `io.timeout(7000).emitWithAck("question", Buffer.from([0, 255]))`);
  expect((answers as Buffer[]).map((bytes) => [...bytes]).sort()).toEqual([
    [0, 255, 0],
    [0, 255, 1],
    [0, 255, 2],
  ]);
});
