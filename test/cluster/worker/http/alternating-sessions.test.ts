import { expect, test } from "vitest";
import { LINKS, startCluster } from "../../../helpers/cluster";
import { PollingSession, RawClient } from "../../../helpers/raw-client";

test.each(LINKS)(
  "1,000 requests of two sessions and plain HTTP on one connection reach the right worker, with keep-alive (%o)",
  async (link) => {
    const { port } = await startCluster(undefined, link);
    const one = await PollingSession.open(new RawClient({ port }));
    const two = await PollingSession.open(new RawClient({ port }));
    expect(one.pid).not.toBe(two.pid);

    const connection = new RawClient({ port });
    for (let round = 0; round < 167; round++) {
      for (const session of [one, two]) {
        const { responses, answer } = await session.emit(connection, "who");
        expect(answer).toBe(session.pid);
        for (const { status, headers } of responses) {
          expect({ status, pid: headers["x-pid"] }).toEqual({ status: 200, pid: String(session.pid) });
          expect(headers.connection).not.toBe("close");
        }
      }
      for (let plain = 0; plain < 2; plain++) {
        const { status, headers } = await connection.request("GET", "/");
        expect(status).toBe(200);
        expect(headers.connection).not.toBe("close");
      }
    }
  },
);
