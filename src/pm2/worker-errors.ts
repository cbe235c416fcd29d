// SPDX-License-Identifier: AGPL-3.0-only
import { appendFile, closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import type { Clock } from "../clock";
import { describe, ERRORS, type ErrorCode } from "../errors";
import { type Log, shield } from "../log";
import { type Note, unseal } from "../protocol/ipc";
import type { Pm2Env, Process } from "./internals";

/** An error ends its worker within this time, or it did not end it. */
const ENDS_WITHIN_MS = 2000;
/** For so long after its start a worker is taken to be loading. */
const LOADING_MS = 10_000;
/** How much of an app's error log is searched, from its end, for an error that may be there already. */
const SEARCHED_BYTES = 256 * 1024;
/** How many errors of an app are remembered, and how much of each. */
const MAX_REMEMBERED = 100;
const REMEMBERED_LENGTH = 2000;

/**
 * What workers report that nobody would read otherwise.
 *
 * An error that a worker does not catch ends it before PM2's container has written the error to the app's log: the
 * container tells the worker's cluster module that the primary is gone, which exits at once. The worker has told the
 * daemon before, though (`log:err`, then `process:exception`). So when such a worker has exited, the daemon looks whether
 * the error is in the log, and writes it there if it is not. The daemon's own log gets a line for an error that ends a
 * worker, or comes while one loads, when the app has that error for the first time.
 *
 * Notes of workers (`note.ts`) end up in their app's error log, once for all workers that were started together.
 */
export class WorkerErrors {
  private readonly apps = new Map<string, Remembered>();

  constructor(
    private readonly clock: Clock,
    private readonly logFor: (env: Pm2Env) => Log,
  ) {}

  /**
   * A new process in cluster mode.
   *
   * @param app names the app it is of
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

  /** An app is gone: what comes under its name is another one. */
  forget(app: string): void {
    this.apps.delete(app);
  }

  /** Tells the daemon's log of an error, if the app has it for the first time. */
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
    // A process that says the same again was started anew, and the others with it or before it.
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
  /** What the daemon's log has of the app already. */
  errors: Set<string>;
  /** By note: the processes that have made it since it was logged last. */
  notes: Map<string, Set<number | string>>;
}

/** The text of an error in the form in which PM2's container reports one that nobody has caught. */
export function uncaughtError(message: unknown): string | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const { type, topic, data } = message as Record<string, unknown>;
  if (type !== "log:err" || topic !== "log:err" || typeof data !== "string") return undefined;
  return data.length > 2 && data.startsWith("\n") && data.endsWith("\n") ? data.slice(1, -1) : undefined;
}

/** The line of an error's text that names the error. Before it a stack may have the place in the source. */
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
  /** How long it was when the process was started: what is before that is of others. */
  length: number;
}

/** The files that a process writes its errors to. */
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

/** Appends what a worker meant to write to its log, where it has not come to that. */
function writeIfMissing(log: LogFile, text: string): void {
  if (!endOf(log).includes(text)) appendFile(log.path, `${text}\n`, () => {});
}

function endOf({ path, length }: LogFile): string {
  try {
    const fd = openSync(path, "r");
    try {
      const { size } = fstatSync(fd);
      // A file that has become shorter was rotated.
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
