import { expect, test } from "vitest";
import { LINK_VERSION } from "../../../../src/protocol/messages";
import { connectedClients } from "../../../helpers/clients";
import { Cluster, LINKS } from "../../../helpers/cluster";
import { heard, run, SCRIPTED } from "../../../helpers/relay";

const OTHER = LINK_VERSION + 40;

/** The last of three workers has a package whose link is of another version. */
const THIRD_IS_OTHER = `
if (require("node:cluster").worker.id === 3) require("../../../lib/protocol/messages").LINK_VERSION = ${OTHER};
${SCRIPTED}`;

test.each(LINKS)(
  "a worker whose link is of another version is left out, which both sides say; the others go on (%o)",
  async (link) => {
    const cluster = new Cluster(THIRD_IS_OTHER, { workers: 3, ...link });
    await cluster.readyWorkers(2);
    const said = () => cluster.output.match(/.*STICKY_LINK_VERSION/g) ?? [];
    await cluster.until(() => said().length === 2, "a line of each side");
    for (const line of said()) {
      expect(line.match(/\d+/g)).toEqual(expect.arrayContaining([`${OTHER}`, `${LINK_VERSION}`]));
    }

    const clients = await connectedClients(cluster.port, 4);
    expect(await heard(clients, `io.emit("event", 1)`)).toEqual([1, 1, 1, 1]);
    // It is not waited for either.
    expect(await run(clients[0]!, `io.fetchSockets().then((all) => all.length)`)).toBe(4);
    expect(cluster.exited).toEqual([]);
  },
);
