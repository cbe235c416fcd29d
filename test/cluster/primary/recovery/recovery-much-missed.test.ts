import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { connectedClients } from "../../../helpers/clients";
import { LINKS } from "../../../helpers/cluster";
import { askedPrimary } from "../../../helpers/primary";
import { breaks, comesBack, heardBy, kept, senderAndLeaver } from "../../../helpers/recovery";
import { run } from "../../../helpers/relay";

const PACKETS = 30;
const BYTES = 16 * 1024;
const CLIENTS = 20;
/** What one client has missed fits, what all have missed does not. */
const LINK_BUFFER = 2 * 1024 * 1024;

test.each(LINKS)(
  "clients that have missed much come back together, and no worker is taken for stuck (%o)",
  async (link) => {
    const primary = askedPrimary({ method: "round-robin", linkBuffer: LINK_BUFFER });
    const { cluster, sender } = await senderAndLeaver({ ...link, primary });
    const clients: Socket[] = await connectedClients(cluster.port, CLIENTS, { reconnection: false });
    const diaries = clients.map(heardBy);
    await run(sender, `io.emit("n", "first"); 0`);
    await cluster.until(() => diaries.every(({ length }) => length === 1), "the first packet");
    await Promise.all(clients.map(breaks));
    for (let i = 0; i < PACKETS; i++) await run(sender, `io.emit("n", "${i}".padEnd(${BYTES})); 0`);
    expect(await kept(cluster)).toMatchObject({ evicted: 0 });
    const restored = await Promise.all(clients.map(comesBack));
    expect(restored).toEqual(clients.map(() => true));
    await cluster.until(() => diaries.every(({ length }) => length === 1 + PACKETS), "what was missed");
    const numbers = Array.from({ length: PACKETS }, (_, i) => i);
    for (const [, ...missed] of diaries) expect(missed.map(Number)).toEqual(numbers);
    expect(cluster.exited).toEqual([]);
  },
);
