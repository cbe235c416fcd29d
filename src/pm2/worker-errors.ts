// SPDX-License-Identifier: AGPL-3.0-only
import { appendFile, closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import type { Clock } from "../clock";
import { describe, ERRORS, type ErrorCode } from "../errors";
import { type Log, shield } from "../log";
import { type Note, unseal } from "../protocol/ipc";
import type { Pm2Env, Process } from "./internals";

/** If a worker exits within this time after an error that nobody caught, the error is taken to have ended it. */
const ENDS_WITHIN_MS = 2000;
/** For how long after its start a worker is taken to be loading. */
const LOADING_MS = 10_000;
/** How much of an app's error log is searched, from its end, for an error that may be there already. */
const SEARCHED_BYTES = 256 * 1024;
/** How many errors of an app are remembered, and how much of each. */
const MAX_REMEMBERED = 100;
const REMEMBERED_LENGTH = 2000;

/**
 * Brings to the logs what workers report and nobody would read otherwise.
 *
 * An error that nobody catches in a worker ends the worker before PM2's container has written the error to the app's
 * log: the container emits `disconnect` on `process`, which Node's cluster module takes for the end of the primary, so
 * that it exits at once. But before that the container has told the daemon of the error (`log:err`, then
 * `process:exception`). So when such a worker has exited, the daemon looks whether the error is in the log, and writes
 * it there if it is not. The daemon's own log gets a line when an app has an error for the first time, if the error
 * ended a worker or came while one was loading.
 *
 * Notes of workers (`note.ts`) are written to their app's error log, once for all workers that were started together.
 */
export class WorkerErrors {
  private readonly apps = new Map<string, Remembered>();

  constructor(
    private readonly clock: Clock,
    private readonly logFor: (env: Pm2Env) => Log,
  ) {}

  /**
   * Watches a new process in cluster mode.
   *
   * @param app the key of the process's app
   */
  watch(process: Process, app: string): void {
    const { emit } = process;
    const log = this.logFor(process.pm2_env);
    const startedMs = this.clock.now();
    const logs = logsOf(process.pm2_env);
    let thrown: { text: string; atMs: number } | undefined;
    const hear = shield(log, (message: unknown) => {
      const text = uncaughtError(message);
      if (text === undefined) return;
      thrown = { text, atMs: this.clock.now() };
      if (thrown.atMs - startedMs < LOADING_MS) this.report(process.pm2_env, app, text);
    });
    const onNote = shield(log, (noted: Note) => this.note(process.pm2_env, app, noted));
    process.emit = (event: string | symbol, ...args: unknown[]): boolean => {
      if (event === "message") {
        const envelope = unseal(args[0]);
        if (envelope && "note" in envelope) {
          onNote(envelope.note);
          return true;
        }
        hear(args[0]);
      }
      return (emit as (...args: unknown[]) => boolean).call(process, event, ...args);
    };
    process.once(
      "exit",
      shield(log, () => {
        if (!thrown || this.clock.now() - thrown.atMs > ENDS_WITHIN_MS) return;
        for (const each of logs) writeIfMissing(each, thrown.text);
        this.report(process.pm2_env, app, thrown.text);
      }),
    );
  }

  /** An app is gone. If one of the same name comes, it is another app, whose errors are reported again. */
  forget(app: string): void {
    this.apps.delete(app);
  }

  /** Writes a line about an error to the daemon's log, if the app has that error for the first time. */
  private report(env: Pm2Env, app: string, text: string): void {
    const { errors } = this.remembered(app);
    const beginning = text.slice(0, REMEMBERED_LENGTH);
    if (errors.has(beginning)) return;
    if (errors.size >= MAX_REMEMBERED) errors.clear();
    errors.add(beginning);
    console.error(
      `[pm2-socket.io] ${env.name}: ${describe("STICKY_THROWN", `process ${env.pm_id}`, summaryOf(text))}`,
    );
  }

  private note(env: Pm2Env, app: string, note: Note | null): void {
    const { code, values, shared } = note ?? {};
    if (typeof code !== "string" || !Object.hasOwn(ERRORS, code) || !Array.isArray(values)) return;
    const { notes } = this.remembered(app);
    const key = `${code} ${shared ?? ""}`;
    const noted = notes.get(key) ?? new Set();
    // A process makes each note once. So one that repeats a note was started anew, probably together with the others,
    // and the note is due again.
    if (noted.has(env.pm_id)) noted.clear();
    noted.add(env.pm_id);
    notes.set(key, noted);
    const due = shared === undefined ? 1 : 2;
    if (noted.size === due) this.logFor(env).error(describe(code as ErrorCode, ...values.map(String)));
  }

  private remembered(app: string): Remembered {
    const existing = this.apps.get(app);
    if (existing) return existing;
    const made = { errors: new Set<string>(), notes: new Map<string, Set<number | string>>() };
    this.apps.set(app, made);
    return made;
  }
}

interface Remembered {
  /** The errors of the app that the daemon's log has already. */
  errors: Set<string>;
  /** For each note, the processes that have made it since it was due anew. */
  notes: Map<string, Set<number | string>>;
}

/** The text of an error that nobody has caught, if the message is the one by which PM2's container reports it. */
export function uncaughtError(message: unknown): string | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const { type, topic, data } = message as Record<string, unknown>;
  if (type !== "log:err" || topic !== "log:err" || typeof data !== "string") return undefined;
  return data.length > 2 && data.startsWith("\n") && data.endsWith("\n") ? data.slice(1, -1) : undefined;
}

/**
 * The line of an error's text that names the error. It need not be the first: the place in the source may precede it.
 */
export function summaryOf(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return (
    lines.find((line) => /^(?:\w*Error|StickyError)\b.*:/.test(line)) ??
    lines.find(Boolean) ??
    ""
  ).slice(0, 500);
}

interface LogFile {
  path: string;
  /** How long it was when the process was started. What is before that was written by others. */
  length: number;
}

/** The files to which a process writes its errors. */
function logsOf({ disable_logs, pm_err_log_path, pm_log_path }: Pm2Env): LogFile[] {
  if (disable_logs === true || disable_logs === "true") return [];
  const paths = [...new Set([pm_err_log_path, pm_log_path])];
  return paths
    .filter((path) => path !== undefined && !path.includes("NULL") && !path.includes("/dev/null"))
    .map((path) => ({ path: path as string, length: lengthOf(path as string) }));
}

function lengthOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0; // it is not there yet
  }
}

/** Appends to a worker's log what the worker meant to write, if it did not come to that. */
function writeIfMissing(log: LogFile, text: string): void {
  if (!endOf(log).includes(text)) appendFile(log.path, `${text}\n`, () => {});
}

function endOf({ path, length }: LogFile): string {
  try {
    const fd = openSync(path, "r");
    try {
      const { size } = fstatSync(fd);
      // A file that has become shorter was rotated meanwhile; then all of it counts.
      const from = Math.max(size < length ? 0 : length, size - SEARCHED_BYTES);
      const buffer = Buffer.alloc(size - from);
      return buffer.toString("utf8", 0, readSync(fd, buffer, 0, buffer.length, from));
    } finally {
      closeSync(fd);
    }
  } catch {
    return "";
  }
}
