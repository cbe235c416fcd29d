import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { inject, onTestFinished } from "vitest";

export interface Output {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** What `pm2 sticky --json` prints; see src/primary/status.ts. */
export type { AppStatus } from "../../src/primary/status";

import type { AppStatus } from "../../src/primary/status";

/** What `pm2 jlist` prints, as far as the tests look at it. */
export interface ListedProcess {
  pid: number;
  name: string;
  pm_id: number;
  pm2_env: { status: string; restart_time: number };
}

/**
 * A daemon of its own for one test: own PM2_HOME, own folder for the app's files (inside the folder in which the tarball
 * is installed, so that they find their packages). It ends with the test, which fails if it leaves a process behind.
 */
export class Daemon {
  readonly home = mkdtempSync(join(tmpdir(), "pm2sio-home-"));
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(
    extraEnv: NodeJS.ProcessEnv = {},
    readonly installed = inject("installed"),
  ) {
    const apps = join(installed, "apps");
    mkdirSync(apps, { recursive: true });
    this.folder = mkdtempSync(join(apps, "app-"));
    this.env = { ...process.env, PM2_HOME: this.home, PM2_DISCRETE_MODE: "true", ...extraEnv };
    for (const name of ["VITEST", "NODE_ENV", "PORT", "NODE_OPTIONS"]) {
      if (!(name in extraEnv)) delete this.env[name];
    }
    onTestFinished(() => this.end(), 60_000);
  }

  /** Writes a file of the app, by default into its folder; returns its path. */
  write(name: string, content: string): string {
    const path = resolve(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** Runs `pm2 …` of the installed tarball in the app's folder. */
  pm2(...args: string[]): Promise<Output> {
    return this.run(join(this.installed, "node_modules/.bin/pm2"), args);
  }

  run(command: string, args: string[]): Promise<Output> {
    return collect(this.spawn(command, args));
  }

  /** Starts something that stays, in the daemon's environment. It is ended with the test. */
  spawn(command: string, args: string[]): ChildProcess {
    const child = spawn(command, args, { cwd: this.folder, env: this.env });
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    return child;
  }

  async sticky(): Promise<AppStatus[]> {
    return JSON.parse((await this.pm2("sticky", "--json")).stdout);
  }

  async list(): Promise<ListedProcess[]> {
    return JSON.parse((await this.pm2("jlist")).stdout.trim().split("\n").at(-1)!);
  }

  /** The daemon's pid. */
  get pid(): number {
    return Number(readFileSync(join(this.home, "pm2.pid"), "utf8"));
  }

  /** The daemon's log. */
  get log(): string {
    return readFileSync(join(this.home, "pm2.log"), "utf8");
  }

  /** Waits until the app (the only one by default) is open with that many ready workers and no others. */
  async ready(workers: number, name?: string): Promise<AppStatus> {
    return until(async () => {
      const app = (await this.sticky()).find((each) => name === undefined || each.name === name);
      const all = app?.state === "open" && app.workers.length === workers;
      return all && app.workers.every(({ state }) => state === "ready") ? app : undefined;
    }, "the app to be ready");
  }

  private async end(): Promise<void> {
    await this.pm2("kill");
    try {
      await until(
        () => (processesOf(this.home).length === 0 ? true : undefined),
        "all processes to end",
        15_000,
      );
    } catch {
      const left = processesOf(this.home);
      for (const { pid } of left) process.kill(pid, "SIGKILL");
      throw new Error(`left behind: ${left.map(({ pid, command }) => `${pid} ${command}`).join("; ")}`);
    } finally {
      rmSync(this.home, { recursive: true, force: true });
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}

/** Polls until `probe` gives a value. Fails, with what it waited for, after `timeoutMs`. */
export async function until<T>(
  probe: () => T | undefined | Promise<T | undefined>,
  what: string,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A TCP port that nobody uses at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The living processes that were started with this PM2_HOME. */
export function processesOf(home: string): { pid: number; command: string }[] {
  const found: { pid: number; command: string }[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
      const zombie = /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
      if (Number(pid) !== process.pid && !zombie && environment.includes(`PM2_HOME=${home}`)) {
        found.push({
          pid: Number(pid),
          command: readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " "),
        });
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** What a process writes, until it ends. */
export function collect(child: ChildProcess): Promise<Output> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
