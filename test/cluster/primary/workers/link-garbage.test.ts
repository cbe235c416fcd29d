import { expect, test } from "vitest";
import { LINKS } from "../../../helpers/cluster";
import { heard, run, threeWorkers } from "../../../helpers/relay";

test.each(LINKS)(
  "a worker that sends garbage on its link is killed, and the others go on (%o)",
  async (link) => {
    const { cluster, clients } = await threeWorkers(link);
    const [first, second, garbler] = clients;
    const victim = (await garbler!.emitWithAck("who")) as number;
    const code = link.pipe
      ? `require("node:fs").writeSync(4, Buffer.from([255, 255, 255, 255, 255]))`
      : `process.send({ "pm2-socket.io": { f: "/////w==" } })`;
    garbler!.emit("run", code, () => {});
    await cluster.until(() => cluster.exited.includes(victim), "the worker's end");
    expect(cluster.alive).toBe(true);
    expect(cluster.output).toContain("STICKY_LINK_FRAME");
    expect(await heard([first!, second!], `io.emit("event", 1)`)).toEqual([1, 1]);
    expect(await run(first!, "process.pid")).not.toBe(victim);
  },
);
