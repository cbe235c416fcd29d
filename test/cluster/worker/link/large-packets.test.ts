import { expect, test } from "vitest";
import { hears } from "../../../helpers/clients";
import { LINKS } from "../../../helpers/cluster";
import { askedPrimary } from "../../../helpers/primary";
import { recoverable } from "../../../helpers/recovery";
import { heard, run, SCRIPTED, threeWorkers } from "../../../helpers/relay";

const LINK_BUFFER = 1024 * 1024;
const WAYS = LINKS.flatMap((link) => [
  { link, code: SCRIPTED, recovery: "off" },
  { link, code: recoverable(), recovery: "on" },
]);

test.each(WAYS)(
  "a packet that is larger than the link's buffer is reported once and stays with its worker; all goes on ($link, recovery $recovery)",
  async ({ link, code }) => {
    const primary = askedPrimary({ linkBuffer: LINK_BUFFER });
    const { cluster, clients } = await threeWorkers({ ...link, primary }, code);
    const lengths = `"x".repeat(${LINK_BUFFER - 1000})`;
    const fits = await heard(clients, `io.emit("event", ${lengths})`);
    expect(fits.map((text) => (text as string).length)).toEqual(Array(3).fill(LINK_BUFFER - 1000));
    const own = hears(clients[0]!, "large");
    for (let i = 0; i < 2; i++) {
      const got = await heard(clients, `io.emit("large", "x".repeat(${LINK_BUFFER}))`, "large");
      expect(got.map((text) => (text as string | undefined)?.length)).toEqual([
        LINK_BUFFER,
        undefined,
        undefined,
      ]);
    }
    await own;
    await run(clients[0]!, `io.serverSideEmit("note", "x".repeat(${LINK_BUFFER})); 0`);
    await cluster.until(() => cluster.output.split("STICKY_TOO_LARGE").length === 3, "both reports");
    expect(cluster.output).toContain('"large" takes');
    expect(cluster.output).toContain('"note" takes');
    expect(await heard(clients, `io.emit("event", 1)`)).toEqual([1, 1, 1]);
    expect(cluster.exited).toEqual([]);
  },
);
