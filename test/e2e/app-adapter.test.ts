import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { Daemon } from "../helpers/daemon";

async function adapterOf(setting: string): Promise<string> {
  const daemon = new Daemon();
  daemon.write(
    "app.js",
    `
    const { Server } = require("socket.io");
    class OwnAdapter extends require("socket.io-adapter").Adapter {}
    const server = require("http").createServer();
    const io = new Server(server${setting.startsWith("{") ? `, ${setting}` : ""});
    ${setting.startsWith("io") ? setting : ""}
    server.listen(0);
    io.on("connection", (socket) => socket.emit("adapter", socket.nsp.adapter.constructor.name));
    io.of("/other").on("connection", (socket) => socket.emit("adapter", socket.nsp.adapter.constructor.name));
    `,
  );
  await daemon.pm2("start", "app.js", "-i", "1", "--sticky");
  const { address } = await daemon.ready(1);
  const url = `http://localhost:${(address as { port: number }).port}`;
  const names = await Promise.all(
    [url, `${url}/other`].map((each) => new Promise((resolve) => client(each).once("adapter", resolve))),
  );
  expect(names[0]).toBe(names[1]);
  return names[0] as string;
}

test("an app that sets no adapter gets the cluster's", async () => {
  expect(await adapterOf("")).toBe("NodeClusterAdapter");
});

test("the adapter that an app sets stays, in whichever way it sets it", async () => {
  expect(await adapterOf("{ adapter: OwnAdapter }")).toBe("OwnAdapter");
  expect(await adapterOf("io.adapter(OwnAdapter)")).toBe("OwnAdapter");
});
