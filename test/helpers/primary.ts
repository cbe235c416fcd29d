/**
 * A primary that answers questions about itself: each message from the test is code, run with `app` and `statusOf` in scope; its value
 * comes back as a message. `limits` are options of an app.
 */
export function askedPrimary(limits: object): string {
  return `
const cluster = require("node:cluster");
const { createServer } = require("node:net");
const { appOptions } = require("../../../lib/config");
const { App } = require("../../../lib/primary/app");
const { Addresses } = require("../../../lib/primary/connections/addresses");
const { createClock } = require("../../../lib/clock");
const { bindWorker } = require("../../../lib/primary/bind-worker");
const { consoleLog } = require("../../../lib/log");
const { statusOf } = require("../../../lib/primary/status");

const { code, workers, serialization, pipe } = JSON.parse(process.env.OPTIONS);
const stdio = ["ignore", "inherit", "inherit", "ipc"];
cluster.setupPrimary({ exec: __filename, serialization, stdio: pipe ? [...stdio, "pipe"] : stdio });
const { listenOn, ...options } = appOptions({ sticky: ${JSON.stringify(limits)} });
const app = new App("app", options, consoleLog, new Addresses(createClock()));
const tell = (message) => process.connected && process.send(message);
const fork = () => tell({ forked: cluster.fork({ CODE: code }).process.pid });
cluster.on("fork", (worker) => bindWorker(app, worker, { pipeFd: pipe ? 4 : undefined }));
cluster.on("listening", (worker) => tell({ ready: worker.process.pid }));
cluster.on("exit", (worker) => {
  tell({ exited: worker.process.pid });
  fork();
});
process.on("message", ({ ask }) => tell({ from: 0, message: eval(ask) }));
process.on("disconnect", () => process.exit());
const opened = { address: {}, name: "the test", state: "open", publicAddress: { address: "::", family: "IPv6", port: 0 }, open() {}, close() {} };
const place = app.addresses.addExternal(opened);
const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => app.accept(socket, place));
server.listen(0, "127.0.0.1", () => {
  tell({ port: server.address().port });
  for (let i = 0; i < workers; i++) fork();
});
`;
}
