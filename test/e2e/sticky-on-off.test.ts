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

/** Asks every 20 ms, without waiting for answers; tells them, in the order of the questions. */
function asking(port: number) {
  const asked: Promise<number>[] = [];
  const ask = () => {
    const lost = new Promise<number>((resolve) => setTimeout(resolve, 3000, 0));
    const answer = fetchPlain(port, "/", "127.0.0.1").then(({ status }) => status);
    asked.push(Promise.race([answer.catch(() => 0), lost]));
  };
  const timer = setInterval(ask, 20);
  return {
    stop(): Promise<number[]> {
      clearInterval(timer);
      return Promise.all(asked);
    },
  };
}

/** The most questions in a row that were not answered. */
function longestGap(answers: readonly number[]): number {
  let longest = 0;
  let gap = 0;
  for (const status of answers) {
    gap = status === 200 ? 0 : gap + 1;
    longest = Math.max(longest, gap);
  }
  return longest;
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
  // Between the end of the last former worker and the daemon's next attempt nobody listens, for some milliseconds. A back-off
  // that doubles would be longer. (Some connections are lost with their worker, as with stock PM2.)
  expect(longestGap(await turnedOn.stop())).toBeLessThan(12);
  await isServedAsCluster(port);
  expect(daemon.log).not.toContain("STICKY_PORT");

  daemon.write("ecosystem.config.js", ecosystem({ ...app, sticky: false }));
  const turnedOff = asking(port);
  const reload = await daemon.pm2("reload", "ecosystem.config.js");
  expect(reload, reload.stderr).toMatchObject({ code: 0 });
  expect(new Set(await turnedOff.stop())).toEqual(new Set([200]));
  expect(daemon.log.split("STICKY_REMOVED")).toHaveLength(2);
  await isServedAsCluster(port);

  await daemon.pm2("stop", "app");
  await daemon.pm2("start", "app");
  await until(async () => (await fetchPlain(port).catch(() => undefined)) && true, "the app to be served");
  expect(await daemon.sticky()).toEqual([]);
});
