import { createServer } from "node:net";
import { expect, test } from "vitest";
import { portHolder } from "../../../../src/primary/connections/port-holder";
import { freePort } from "../../../helpers/daemon";
import { listening } from "../../../helpers/sockets";

test("the process that listens on a port is named", async () => {
  const port = await listening(createServer());
  expect(await portHolder(port)).toEqual({
    held: true,
    pid: process.pid,
    holder: expect.stringMatching(`^held by pid ${process.pid} \\(.+\\)$`),
  });
});

test("a port on which nobody listens is known to be free", async () => {
  expect(await portHolder(await freePort())).toEqual({ held: false });
});
