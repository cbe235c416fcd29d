/**
 * The primary's part in recovery, alone in a process: sessions of three rooms each lose their worker and are restored on
 * another one, each with what it has missed. The workers are played, because so many clients do not fit on a machine.
 */
import { join } from "node:path";
import { loadOptions, type RestoreReport } from "./report";

const PACKETS = 1000;
const ROOMS = 100;

const { sessions } = loadOptions();
const { Recovery } = require(join(process.cwd(), "lib/primary/recovery"));

const memory = () => {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed + process.memoryUsage().external;
};
let answers = 0;
const worker = () => ({ send: () => answers++ });
const [first, second] = [worker(), worker()];
const recovery = new Recovery({ maxBytes: 64 * 1024 * 1024, maxSessions: sessions }, () => {});
recovery.enable(120_000, 45_000);

const empty = memory();
for (let i = 0; i < sessions; i++) {
  const rooms = [`ssid${i}`, `sroom${i % ROOMS}`, "sall"];
  const data = Buffer.alloc(48, i).toString("base64");
  recovery.handle(first, {
    at: 0,
    type: "session-open",
    nsp: "/",
    sid: `sid${i}`,
    pid: `pid${i}`,
    rooms,
    data,
  });
}
const bytesEach = (memory() - empty) / sessions;
const frame = Buffer.alloc(256);
for (let i = 0; i < PACKETS; i++) {
  const target = { nsp: "/", rooms: [`sroom${i % ROOMS}`], except: [] };
  recovery.keep({ type: "cast", volatile: false, time: 0, target, payload: Buffer.alloc(64) }, frame);
}
recovery.left(first);
let longestMs = 0;
const start = performance.now();
for (let i = 0; i < sessions; i++) {
  const before = performance.now();
  recovery.handle(second, { at: 0, type: "restore", seq: i, nsp: "/", pid: `pid${i}`, offset: "" });
  longestMs = Math.max(longestMs, performance.now() - before);
}
const perSecond = (answers / (performance.now() - start)) * 1000;
recovery.close();
process.send?.({ perSecond, bytesEach, longestMs } satisfies RestoreReport);
