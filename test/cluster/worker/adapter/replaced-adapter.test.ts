import { expect, test } from "vitest";
import { run, SCRIPTED, threeWorkers } from "../../../helpers/relay";

test("an adapter that the app replaced does not count, hear or answer any more", async () => {
  const twice = `${SCRIPTED}
const { createAdapter: again } = require("pm2-socket.io/cluster-adapter");
io.adapter(again());
`;
  const { clients } = await threeWorkers({}, twice);
  expect(await run(clients[0]!, "io.of('/').adapter.serverCount()")).toBe(3);
  expect(await run(clients[0]!, "io.fetchSockets().then((all) => all.length)")).toBe(3);
});
