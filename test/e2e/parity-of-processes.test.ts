import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { Daemon, until } from "../helpers/daemon";
import { folderWith } from "../helpers/users-folder";

const PM2 = {
  ours: () => join(inject("installed"), "node_modules/.bin/pm2"),
  stock: () => join(inject("installed"), "node_modules/pm2-socket.io/node_modules/pm2/bin/pm2"),
};

/** Tells all that a program can see of how it was started, in one line. */
const WITNESS = `
const file = (path) => path && path.replace(/^.*\\/node_modules\\/pm2\\//, "pm2/").replace(__dirname, "app");
const thrown = (act) => { try { return String(act()); } catch (error) { return error.name; } };
const main = process.mainModule;
console.log("WITNESS " + JSON.stringify({
  argv: process.argv.slice(1).map(file), execArgv: process.execArgv, title: file(process.title.slice(5)),
  isMain: require.main === module, main: file(main && main.filename), id: module.id, paths: module.paths.length,
  parent: module.parent === null ? null : typeof module.parent, children: module.children.length,
  env: Object.keys(process.env).sort(),
  globals: Object.getOwnPropertyNames(globalThis).sort(),
  listeners: process.eventNames().filter((name) => name !== "newListener").map((name) => [String(name), process.listenerCount(name)]).sort(),
  cached: Object.keys(require.cache).map(file).filter((name) => !/pm2-socket.io.lib/.test(name)).sort(),
  send: thrown(() => process.send({ answer: 1, ignored() {}, nothing: undefined, date: new Date(0) })),
  cluster: [require("cluster").isWorker, typeof require("cluster").worker.id],
  // What PM2 reads or writes at the moment differs from start to start.
  resources: process.getActiveResourcesInfo().filter((name) => name !== "FSReqCallback").sort(),
  load: require("module")._load.length,
  emitter: new (require("events"))() instanceof require("events"),
}));
`;

/** Runs a script outside of the folder in which the official packages are installed, and returns what it tells. */
async function told(pm2: string, text: string, ...start: string[]) {
  const daemon = new Daemon();
  const script = daemon.write(`${folderWith()}/app.js`, text);
  const args = ["start", script, "--name", "app", "-i", "1", "--output", "out.log", ...start];
  expect((await daemon.run(pm2, args)).code).toBe(0);
  return JSON.parse(await saidBy(daemon));
}

/** What an app has written after the word WITNESS. */
function saidBy(daemon: Daemon): Promise<string> {
  return until(() => {
    const [log] = readdirSync(daemon.folder).filter((name) => name.startsWith("out"));
    return log && /WITNESS (.*)\n/.exec(readFileSync(join(daemon.folder, log), "utf8"))?.[1];
  }, "the app to tell");
}

test.each([
  ["a script", []],
  ["a script with arguments", ["--node-args=--max-old-space-size=100", "--", "one", "--two"]],
])("%s in cluster mode sees of its process what it sees under stock PM2", async (_, start) => {
  const [ours, stock] = await Promise.all(
    [PM2.ours(), PM2.stock()].map((pm2) => told(pm2, WITNESS, ...start)),
  );
  expect(ours).toEqual(stock);
});

test("what an app sends to the daemon arrives as it does under stock PM2", async () => {
  const app = `
    process.on("message", (message) => console.log("WITNESS " + JSON.stringify(message)));
    const data = { f() {}, u: undefined, d: new Date(0), m: new Map([[1, 2]]), n: 1 };
    setInterval(() => process.send({ type: "seen", data }), 200);`;
  const listener = `
    const pm2 = require(process.argv[2]);
    pm2.connect(() => pm2.launchBus((_, bus) => bus.on("seen", ({ data, process: { pm_id } }) => {
      pm2.sendDataToProcessId({ id: pm_id, type: "back", data, topic: "x" }, () => process.exit());
    })));`;
  const heard = await Promise.all(
    [PM2.ours(), PM2.stock()].map(async (pm2) => {
      const daemon = new Daemon();
      const script = daemon.write(`${folderWith()}/app.js`, app);
      daemon.write("listener.js", listener);
      await daemon.run(pm2, ["start", script, "--name", "app", "-i", "1", "--output", "out.log"]);
      await daemon.run(process.execPath, ["listener.js", join(PM2.stock(), "../..")]);
      return saidBy(daemon);
    }),
  );
  expect(heard[0]).toBe(heard[1]);
  expect(heard[0]).toContain('"data":{"d":"1970-01-01T00:00:00.000Z","m":{},"n":1}');
});

test.each([
  ["process.exit(7)", "process.exit(7);"],
  ["process.exitCode", "process.exitCode = 5; process.disconnect();"],
  ["nothing left to do", "process.disconnect();"],
  ["an error while it loads", 'throw new Error("at once");'],
  ["an error later", 'setTimeout(() => { throw new Error("later"); }, 300);'],
  ["a signal", 'process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000);'],
])("a process that ends with %s is said to have ended as under stock PM2", async (_, text) => {
  const [ours, stock] = await Promise.all(
    [PM2.ours(), PM2.stock()].map(async (pm2) => {
      const daemon = new Daemon();
      daemon.write("app.js", text);
      await daemon.run(pm2, ["start", "app.js", "--name", "app", "-i", "1", "--no-autorestart"]);
      return until(
        () => /App \[app:0\] exited with code \[\d+\] via signal \[\w+\]/.exec(daemon.log)?.[0],
        "the process to end",
      );
    }),
  );
  expect(ours).toBe(stock);
});

test("a process without Socket.IO takes as much memory as under stock PM2", {
  timeout: 120_000,
}, async () => {
  const text = `setTimeout(() => { global.gc(); console.log("WITNESS " + JSON.stringify({
    heap: process.memoryUsage().heapUsed / 2 ** 20, rss: process.memoryUsage().rss / 2 ** 20 })); }, 500);`;
  const figures = { ours: [] as Figures[], stock: [] as Figures[] };
  const more = (name: keyof Figures) =>
    Math.min(...figures.ours.map((each) => each[name])) -
    Math.min(...figures.stock.map((each) => each[name]));
  const isAsStock = () => more("heap") < 1 && more("rss") < 4;
  // The best of a few starts: what else the machine does makes one slow, and none fast.
  for (let round = 0; round < 8 && (round < 3 || !isAsStock()); round++) {
    for (const which of ["ours", "stock"] as const) {
      figures[which].push(await told(PM2[which](), text, "--node-args=--expose-gc"));
    }
  }
  expect(isAsStock(), JSON.stringify(figures)).toBe(true);
});

interface Figures {
  heap: number;
  rss: number;
}
