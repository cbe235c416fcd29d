import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { Daemon, type Output } from "../helpers/daemon";
import { normalise } from "../helpers/normalise";

const APP = `
console.log("a line");
console.error("an error");
require("http").createServer((req, res) => res.end("plain")).listen(0);
`;

/** The life of an app, as it is typed. */
const SESSION = `
start app.js --name forked -- argument
start app.js --name many -i 2
start nothing.js
ls
restart forked
restart many --update-env
reload many
reload all
scale many 3
scale many 1
stop forked
start forked
describe forked
describe many
describe nobody
env 1
id many
logs --nostream --lines 5 forked
flush forked
stop nobody
reload nobody
restart nobody
scale nobody 2
scale forked 2
set module:key value
get module:key
unset module:key
delete many
save
ping
nonsense
stop all
delete all
delete nobody
resurrect
kill
`;

test("for apps without Socket.IO every command says what stock PM2 says, and exits as it does", async () => {
  const [ours, theirs] = await Promise.all([
    typed((daemon, args) => daemon.pm2(...args)),
    typed((daemon, args) => daemon.run(stock(), args)),
  ]);
  for (const [command, output] of ours)
    expect.soft({ command, ...output }).toEqual({ command, ...theirs.get(command) });
});

test("what PM2 knows of an app without Socket.IO is the same as in stock PM2", async () => {
  const [ours, theirs] = await Promise.all(
    [join(inject("installed"), "node_modules/.bin/pm2"), stock()].map(async (pm2) => {
      const daemon = new Daemon();
      daemon.write("app.js", APP);
      await daemon.run(pm2, ["start", "app.js", "-i", "1", "--name", "many"]);
      await daemon.run(pm2, ["start", "app.js", "--name", "forked"]);
      const { stdout } = await daemon.run(pm2, ["jlist"]);
      return JSON.parse(stdout.trim().split("\n").at(-1)!).map(shape);
    }),
  );
  expect(ours).toEqual(theirs);
});

function stock(): string {
  return join(inject("installed"), "node_modules/pm2-socket.io/node_modules/pm2/bin/pm2");
}

async function typed(run: (daemon: Daemon, args: string[]) => Promise<Output>): Promise<Map<string, Output>> {
  const daemon = new Daemon();
  daemon.write("app.js", APP);
  const said = new Map<string, Output>();
  for (const line of SESSION.trim().split("\n")) {
    said.set(line, normalise(await run(daemon, line.split(" ")), daemon));
  }
  return said;
}

/** The names of everything in it, with the types of their values. */
function shape(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return typeof value;
  const entries = Object.entries(value).filter(([name]) => !name.startsWith("axm_"));
  return Object.fromEntries(entries.map(([name, each]) => [name, shape(each)]));
}
