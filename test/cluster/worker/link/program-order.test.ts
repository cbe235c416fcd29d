import type { Socket } from "socket.io-client";
import { beforeEach, describe, expect, test } from "vitest";
import { connectedClients, hears } from "../../../helpers/clients";
import { LINKS, startCluster, WORKER } from "../../../helpers/cluster";

/** Each event of the worker is a program; its client writes down what it hears, and in which order. */
const PROGRAMS = `${WORKER.replace("{ maxHttpBufferSize: 2e8 }", "{ connectionStateRecovery: {} }")}
io.on("connection", (socket) => {
  socket.on("mix", async (answer) => {
    socket.emit("kept 1");
    socket.emit("asked", () => {});
    io.local.emit("local");
    socket.emit("kept 2");
    io.timeout(1000).emit("asked all", () => {});
    io.emit("kept 3");
    answer();
  });
  socket.on("leave", (answer) => {
    socket.join("room");
    io.to("room").emit("as a member");
    socket.leave("room");
    io.to("room").emit("too late");
    socket.join("room");
    answer();
  });
  socket.on("join", (answer) => {
    io.to("other").emit("too early");
    socket.join("other");
    io.to("other").emit("in time");
    answer();
  });
  socket.on("except", (answer) => {
    socket.join("out");
    io.except("out").emit("not for this one");
    socket.leave("out");
    io.except("out").emit("for this one");
    answer();
  });
  socket.on("kick", () => {
    socket.emit("kicked");
    socket.emit("asked last", () => {});
    socket.disconnect(true);
  });
  socket.on("leave the namespace", () => {
    socket.emit("goodbye");
    socket.disconnect();
  });
});
`;

function diary(client: Socket): string[] {
  const lines: string[] = [];
  client.onAny((event: string, ...args: unknown[]) => {
    lines.push(event);
    const answer = args.find((arg) => typeof arg === "function") as (() => void) | undefined;
    answer?.();
  });
  client.on("disconnect", () => lines.push("disconnect"));
  return lines;
}

describe.each(LINKS)(
  "with connection state recovery, what a worker does to its own clients happens in its order (%o)",
  (link) => {
    let client: Socket;
    let lines: string[];

    beforeEach(async () => {
      const cluster = await startCluster(PROGRAMS, { workers: 2, ...link });
      [client] = (await connectedClients(cluster.port, 1)) as [Socket];
      lines = diary(client);
    });

    async function runs(program: string): Promise<string[]> {
      lines.length = 0;
      await client.timeout(8000).emitWithAck(program);
      lines.push("answer");
      return lines;
    }

    test("packets of all kinds, and the answer", async () => {
      expect(await runs("mix")).toEqual([
        "kept 1",
        "asked",
        "local",
        "kept 2",
        "asked all",
        "kept 3",
        "answer",
      ]);
    });

    test("packets for a room that the client leaves or joins", async () => {
      expect(await runs("leave")).toEqual(["as a member", "answer"]);
      expect(await runs("join")).toEqual(["in time", "answer"]);
      expect(await runs("except")).toEqual(["for this one", "answer"]);
    });

    test("packets before the end of the connection, or of its namespace", async () => {
      const gone = hears(client, "disconnect");
      client.emit("kick");
      await gone;
      expect(lines).toEqual(["kicked", "asked last", "disconnect"]);

      lines.length = 0;
      const back = hears(client, "connect");
      client.connect();
      await back;
      const left = hears(client, "disconnect");
      client.emit("leave the namespace");
      await left;
      expect(lines).toEqual(["goodbye", "disconnect"]);
    });
  },
);
