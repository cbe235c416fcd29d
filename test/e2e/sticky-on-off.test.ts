import { expect, test } from "vitest";
import { fetchPlain, isServedAsCluster } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";
import { ecosystem } from "../helpers/workers";

const APP = `
const server = require("http").createServer((req, res) => res.end("ok"));
const io = new (require("socket.io").Server)(server);
io.on("connection", (socket) => {
  socket.on("who", (answer) => answer(process.pid));
  socket.on("all", (text) => io.emit("text", text));
});
server.listen(PORT_OF_TEST);`;

/** Asks again and again; tells the answers, and the longest time in milliseconds in which nobody was answered. */
function asking(port: number) {
  const answers = new Map<number, number>();
  let longestMs = 0;
  let answeredMs = performance.now();
  let isOver = false;
  const all = (async () => {
    while (!isOver) {
      const { status } = await fetchPlain(port, "/", "127.0.0.1").catch(() => ({ status: 0 }));
      answers.set(status, (answers.get(status) ?? 0) + 1);
      if (status === 200) {
        longestMs = Math.max(longestMs, performance.now() - answeredMs);
        answeredMs = performance.now();
      }
    }
  })();
  return {
    async stop() {
      isOver = true;
      await all;
      return { answers, longestMs };
    },
  };
}

test("an app gets `sticky` by a reload, and loses it by one, with its port open all the while", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write("app.js", APP.replace("PORT_OF_TEST", String(port)));
  const app = { name: "app", script: "app.js", instances: 2, exec_mode: "cluster", env: { A: "1" } };
  daemon.write("ecosystem.config.js", ecosystem(app));
  await daemon.pm2("start", "ecosystem.config.js");
  await until(async () => (await fetchPlain(port).catch(() => undefined)) && true, "the app to be served");

  daemon.write("ecosystem.config.js", ecosystem({ ...app, sticky: true }));
  const turnedOn = asking(port);
  expect((await daemon.pm2("reload", "ecosystem.config.js")).code).toBe(0);
  await daemon.ready(2);
  const { longestMs } = await turnedOn.stop();
  // Between the end of the last former worker and the daemon's next attempt nobody listens; that is not to grow.
  expect(longestMs).toBeLessThan(1000);
  await isServedAsCluster(port);
  expect(daemon.log).not.toContain("STICKY_PORT");

  daemon.write("ecosystem.config.js", ecosystem({ ...app, sticky: false }));
  const turnedOff = asking(port);
  const reload = await daemon.pm2("reload", "ecosystem.config.js");
  expect(reload, reload.stderr).toMatchObject({ code: 0 });
  expect([...(await turnedOff.stop()).answers.keys()]).toEqual([200]);
  expect(daemon.log.split("STICKY_REMOVED")).toHaveLength(2);
  await isServedAsCluster(port);

  await daemon.pm2("stop", "app");
  await daemon.pm2("start", "app");
  await until(async () => (await fetchPlain(port).catch(() => undefined)) && true, "the app to be served");
  expect(await daemon.sticky()).toEqual([]);
});
