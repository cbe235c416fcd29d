import { expect, test } from "vitest";
import { LINKS, startCluster } from "../../../helpers/cluster";
import { RawClient } from "../../../helpers/raw-client";

test.each(LINKS)("what a killed worker had not accepted is answered by the others (%o)", async (link) => {
  const cluster = await startCluster(undefined, link);
  const [stopped, other] = cluster.forked as [number, number];
  process.kill(stopped, "SIGSTOP");
  // Workers of equal load take turns: about half of these are on their way to the one that does not look.
  const clients = Array.from({ length: 60 }, () => new RawClient({ port: cluster.port }));
  const answers = clients.map(async (client) => {
    client.send("POST", "/", "a body");
    return (await client.response()).headers["x-pid"];
  });
  // When it has answered a whole turn, the other half is out.
  await Promise.any(answers);
  process.kill(stopped, "SIGKILL");
  expect(new Set(await Promise.all(answers))).toEqual(new Set([String(other)]));
});
