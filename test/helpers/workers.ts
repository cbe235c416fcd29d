import { CHAT } from "./app-clients";

/** A worker as the official documentation has it, in both module systems. It never listens. */
export const OFFICIAL_CJS = `
const { createServer } = require("http");
const { Server } = require("socket.io");
const { setupWorker } = require("@socket.io/sticky");
const { createAdapter } = require("@socket.io/cluster-adapter");
const io = new Server(createServer((req, res) => res.end("plain " + process.pid)));
io.adapter(createAdapter());
setupWorker(io);
${CHAT}`;

export const OFFICIAL_ESM = `
import { createServer } from "http";
import { Server } from "socket.io";
import { setupWorker } from "@socket.io/sticky";
import { createAdapter } from "@socket.io/cluster-adapter";
const io = new Server(createServer());
io.adapter(createAdapter());
setupWorker(io);
${CHAT}`;

/** The text of an ecosystem file. */
export function ecosystem(...apps: object[]): string {
  return `module.exports = ${JSON.stringify({ apps })};`;
}
