import { expect, test } from "vitest";
import { run, threeWorkers } from "../../../helpers/relay";

test("a worker that does not answer is an error with the answers there are", async () => {
  const { clients } = await threeWorkers();
  await run(clients[1]!, `io.on("ask", (bytes, answer) => answer([bytes.length, Buffer.from("yes")])); 0`);
  await run(clients[2]!, `io.on("ask", () => {}); 0`);
  const asked = `io.serverSideEmitWithAck("ask", Buffer.alloc(3)).catch((error) => [error.message, error.responses])`;
  const [message, responses] = (await run(clients[0]!, asked)) as [string, unknown];
  expect(message).toContain("timeout reached");
  expect(responses).toEqual([[3, Buffer.from("yes")]]);
});
