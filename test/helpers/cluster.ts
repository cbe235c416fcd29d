import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { until } from "./daemon";

const FIXTURES = join(__dirname, "../cluster/fixtures");

export interface ClusterOptions {
  /** How many workers are forked at once. */
  workers?: number;
  serialization?: "json" | "advanced";
  /** Whether the workers inherit a pipe for their link, as under PM2. */
  pipe?: boolean;
  method?: "least-connection" | "round-robin" | "random";
  host?: string;
  /** The primary's code, for a test that needs one of its own; it has the same environment as the usual one. */
  primary?: string;
  /** What the environment of all processes has in addition. */
  env?: NodeJS.ProcessEnv;
}

/** The ways in which a link can travel. */
export const LINKS: Pick<ClusterOptions, "serialization" | "pipe">[] = [
  { serialization: "json" },
  { serialization: "advanced" },
  { serialization: "advanced", pipe: true },
];

/** A worker with Socket.IO that answers `who` with its pid, and tells its pid in a header of every response. */
export const WORKER = `
const { createServer } = require("node:http");
const { Server } = require("socket.io");
const { setupWorker } = require("pm2-socket.io/sticky");
const { createAdapter } = require("pm2-socket.io/cluster-adapter");

const httpServer = createServer((req, res) => {
  res.setHeader("x-pid", process.pid).end("plain " + req.socket.remoteAddress);
});
const io = new Server(httpServer, { maxHttpBufferSize: 2e8 });
io.engine.on("headers", (headers) => { headers["x-pid"] = process.pid; });
io.adapter(createAdapter());
io.on("connection", (socket) => {
  socket.on("who", (answer) => answer(process.pid));
});
setupWorker(io);
`;

type Report =
  | { port: number }
  | { forked: number }
  | { ready: number }
  | { exited: number }
  | { from: number; message: unknown };

/** A cluster whose primary is a process of its own. It ends with the test. */
export class Cluster {
  port = 0;
  /** The pids of all workers that were forked, of those that are ready, and of those that ended. */
  readonly forked: number[] = [];
  readonly ready: number[] = [];
  readonly exited: number[] = [];
  /** What workers sent to the primary with `process.send`. */
  readonly messages: { from: number; message: unknown }[] = [];
  /** What primary and workers wrote to the terminal. */
  output = "";
  private readonly child: ChildProcess;

  constructor(code: string, options: ClusterOptions = {}) {
    const { workers = 2, primary, env: more, ...rest } = options;
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      ...more,
      OPTIONS: JSON.stringify({ code, workers, ...rest }),
      CODE: primary,
    };
    for (const name of ["VITEST", "NODE_ENV", "PORT", "NODE_OPTIONS", "PM2_PORT"]) delete env[name];
    const script = join(FIXTURES, primary === undefined ? "primary.js" : "run.js");
    this.child = fork(script, { env, execArgv: [], stdio: ["ignore", "pipe", "pipe", "ipc"] });
    this.child.on("message", (report: Report) => this.note(report));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    onTestFinished(() => this.end());
  }

  /** The primary's pid. */
  get pid(): number {
    return this.child.pid!;
  }

  /** Whether the primary is still there. */
  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Forks one more worker. */
  fork(): void {
    this.child.send({});
  }

  /** What code gives in a primary made by `askedPrimary`. */
  async ask<T>(code: string): Promise<T> {
    const answers = this.messages.length;
    this.child.send({ ask: code });
    await this.until(() => this.messages.length > answers, "the primary's answer");
    return this.messages[answers]!.message as T;
  }

  /** Waits until so many workers have become ready. */
  async readyWorkers(count: number): Promise<this> {
    await this.until(() => this.ready.length >= count, `${count} workers to be ready`);
    return this;
  }

  /** {@link until}, with the cluster's output in the error. */
  async until(condition: () => boolean, what: string, timeoutMs?: number): Promise<void> {
    try {
      await until(() => condition() || undefined, what, timeoutMs);
    } catch (error) {
      throw new Error(`${(error as Error).message}; the cluster's output:\n${this.output}`);
    }
  }

  private note(report: Report): void {
    if ("port" in report) this.port = report.port;
    else if ("forked" in report) this.forked.push(report.forked);
    else if ("ready" in report) this.ready.push(report.ready);
    else if ("exited" in report) this.exited.push(report.exited);
    else this.messages.push(report);
  }

  private async end(): Promise<void> {
    const closed = new Promise((resolve) => this.child.once("close", resolve));
    const running = this.alive;
    for (const pid of this.forked) if (!this.exited.includes(pid)) kill(pid);
    this.child.kill("SIGKILL");
    // The workers share the primary's output: it is closed when the last of them is gone.
    if (running) await closed;
  }
}

/** Starts a cluster of workers that run `code`, and waits until they are ready. */
export function startCluster(code = WORKER, options: ClusterOptions = {}): Promise<Cluster> {
  return new Cluster(code, options).readyWorkers(options.workers ?? 2);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}
