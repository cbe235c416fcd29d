import { expect, test } from "vitest";
import { fetchPlain } from "../helpers/app-clients";
import { Daemon, freePort, until } from "../helpers/daemon";

test("an app that is sticky but never loads Socket.IO works, on a port of ours", async () => {
  const daemon = new Daemon();
  const port = await freePort();
  daemon.write(
    "app.js",
    `const server = require("http").createServer((req, res) => res.end("plain " + server.address().port));
     server.listen(${port});`,
  );
  expect((await daemon.pm2("start", "app.js", "-i", "2", "--sticky")).code).toBe(0);

  const answer = await until(() => fetchPlain(port).catch(() => undefined), "the app to listen");
  expect(answer.body).toBe(`plain ${port}`);
  expect((await daemon.sticky()).map(({ listener }) => listener)).toEqual([`port ${port}`]);
  expect((await daemon.pm2("reload", "app")).code).toBe(0);
  expect((await fetchPlain(port)).body).toBe(`plain ${port}`);
});
