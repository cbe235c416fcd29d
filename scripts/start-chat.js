/**
 * `npm start`: the chat of `examples/chat` on port 8080, in the foreground; Ctrl-C ends everything.
 *
 * With a PM2_HOME of its own: `pm2-runtime` joins a daemon that runs already, and ends it when it ends itself, which
 * would take down the apps that somebody has under PM2 on this machine.
 */
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const home = mkdtempSync(join(tmpdir(), "pm2-socket.io-chat-"));
process.env.PM2_HOME = home;
process.on("exit", () => rmSync(home, { recursive: true, force: true }));

console.log(`The chat is at http://localhost:${process.env.PORT ?? 8080} in a moment; Ctrl-C ends it.`);
process.argv.push("start", join(__dirname, "../examples/chat/ecosystem.config.js"));
require("../bin/pm2-runtime");
