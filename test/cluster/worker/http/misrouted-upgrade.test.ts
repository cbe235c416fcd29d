import { expect, test } from "vitest";
import { LINKS, startCluster } from "../../../helpers/cluster";
import { PollingSession, RawClient } from "../../../helpers/raw-client";

/** A text frame as a client sends it (masked, with a mask of zeros). */
function frame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

test.each(LINKS)(
  "an upgrade on a connection that another worker serves goes to its session, no byte lost (%o)",
  async (link) => {
    const { port } = await startCluster(undefined, link);
    const session = await PollingSession.open(new RawClient({ port }));
    const connection = new RawClient({ port });
    const other = await PollingSession.open(connection);
    expect(other.pid).not.toBe(session.pid);

    connection.send("GET", session.target.replace("polling", "websocket"), undefined, [
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]);
    // Sent with the head, or while the socket changes hands.
    connection.write(frame("2probe"));
    const { status, headers } = await connection.response();
    expect(status).toBe(101);
    expect(headers["sec-websocket-accept"]).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    expect((await connection.take(8)).toString("latin1")).toBe("\x81\x063probe");

    // The session itself is on this socket from now on.
    connection.write(frame("5"));
    connection.write(frame('427["who"]'));
    const answer = `437[${session.pid}]`;
    const received = (await connection.take(2 + answer.length)).subarray(2).toString();
    expect(received).toBe(answer);
  },
);
