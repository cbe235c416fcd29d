import { EventEmitter } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Clock } from "../../../src/clock";
import type { Process } from "../../../src/pm2/internals";
import { summaryOf, uncaughtError, WorkerErrors } from "../../../src/pm2/worker-errors";
import { type Note, seal } from "../../../src/protocol/ipc";

const folder = mkdtempSync(join(tmpdir(), "worker-errors-"));
const log = join(folder, "app-error.log");
let nowMs = 0;
let said: string[];
let daemonSaid: string[];
let errors: WorkerErrors;

beforeEach(() => {
  nowMs = 0;
  writeFileSync(log, "");
  said = [];
  daemonSaid = [];
  vi.spyOn(console, "error").mockImplementation((line) => void daemonSaid.push(line));
  const clock = { now: () => nowMs } as Clock;
  errors = new WorkerErrors(clock, () => ({ info: () => {}, error: (line) => said.push(line) }));
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => rmSync(folder, { recursive: true }));

/** A process of the app, as God has it. */
function start(pm_id = 0, more: object = {}): Process {
  const process = new EventEmitter() as Process;
  process.pm2_env = { name: "app", pm_id, pm_err_log_path: log, ...more } as Process["pm2_env"];
  errors.watch(process, "default\napp");
  return process;
}

const throws = (process: Process, text: string) => {
  process.emit("message", { type: "log:err", topic: "log:err", data: `\n${text}\n` });
  process.emit("message", { type: "process:exception", data: { message: text } });
};
const logged = (text: string) => vi.waitFor(() => expect(readFileSync(log, "utf8")).toBe(text));
const note = (process: Process, value: Note) => process.emit("message", seal({ note: value }));

test("an error that ends a process is written to the app's log each time, and told to the daemon's once", async () => {
  for (const pm_id of [0, 1]) {
    const process = start(pm_id);
    throws(process, "Error: a\n    at b");
    process.emit("exit", 0);
    await logged("Error: a\n    at b\n".repeat(pm_id + 1));
  }
  const line = "process 0 has thrown an error that nobody caught: Error: a [STICKY_THROWN]";
  expect(daemonSaid).toEqual([expect.stringContaining(line)]);
});

test("an error that the container has written is not written again", async () => {
  const process = start();
  throws(process, "Error: a");
  writeFileSync(log, "before\nError: a\n");
  process.emit("exit", 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(readFileSync(log, "utf8")).toBe("before\nError: a\n");
});

test("an error which the process outlives is none of ours, once it has loaded", async () => {
  const process = start();
  nowMs = 60_000;
  throws(process, "Error: a");
  nowMs = 70_000;
  process.emit("exit", 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(readFileSync(log, "utf8")).toBe("");
  expect(daemonSaid).toEqual([]);
});

test.each([
  ["no logs are wanted", { disable_logs: true }],
  ["the log is /dev/null", { pm_err_log_path: "/dev/null" }],
  ["there is no log", { pm_err_log_path: undefined }],
])("where %s the app's log gets nothing", async (_, more) => {
  const process = start(0, more);
  throws(process, "Error: a");
  process.emit("exit", 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(readFileSync(log, "utf8")).toBe("");
  expect(daemonSaid).toHaveLength(1);
});

test("an app that was deleted and comes again is another one", () => {
  const process = start();
  throws(process, "Error: a");
  throws(process, "Error: a");
  expect(daemonSaid).toHaveLength(1);
  errors.forget("default\napp");
  throws(process, "Error: a");
  expect(daemonSaid).toHaveLength(2);
});

test("a note of all workers is one line, and another one when they are started again", () => {
  const unseen: Note = { code: "STICKY_UNSEEN", values: ["; it waits"] };
  const processes = [0, 1, 2].map((pm_id) => start(pm_id));
  const heard = vi.fn();
  processes[0]!.on("message", heard);
  for (const each of processes) note(each, unseen);
  expect(said).toEqual([
    expect.stringContaining("no Socket.IO seen so far, although the app is sticky; it waits"),
  ]);
  for (const pm_id of [1, 0, 2]) note(start(pm_id), unseen);
  expect(said).toHaveLength(2);
  expect(heard).not.toHaveBeenCalled();
});

test("a note about what workers share is one line, when a second one says the same", () => {
  const missing = (port: string): Note => ({ code: "STICKY_MISSING", values: [port], shared: port });
  const [a, b, c] = [start(0), start(1), start(2)];
  note(a, missing("port 1"));
  note(b, missing("port 2"));
  expect(said).toEqual([]);
  note(c, missing("port 1"));
  expect(said).toEqual([expect.stringContaining("several workers share port 1")]);
  note(b, missing("port 1"));
  expect(said).toHaveLength(1);
});

test("a note that is none of ours is ignored", () => {
  const process = start();
  for (const odd of [{ code: "toString", values: [] }, { code: "STICKY_UNSEEN" }, {}, null, "text"]) {
    note(process, odd as Note);
  }
  expect(said).toEqual([]);
});

test("an error is told from what a process writes", () => {
  const of = (data: unknown) => uncaughtError({ type: "log:err", topic: "log:err", data });
  expect(of("\nError: a\n")).toBe("Error: a");
  expect(of("a line\n")).toBeUndefined();
  expect(of("\n")).toBeUndefined();
  expect(of(undefined)).toBeUndefined();
  for (const odd of [null, "ready", 1, { type: "log:out", data: "\nError\n" }]) {
    expect(uncaughtError(odd)).toBeUndefined();
  }
});

test.each([
  ["TypeError: a\n    at b", "TypeError: a"],
  ["/app.js:1\nthrow new Error()\n^\n\nMyError: why\n    at b", "MyError: why"],
  [
    "You have triggered an unhandledRejection, you may have forgotten to catch a Promise rejection:\nError: a",
    "Error: a",
  ],
  ["just a text", "just a text"],
  ["", ""],
])("the line that names the error in %j is found", (text, line) => {
  expect(summaryOf(text)).toBe(line);
});
