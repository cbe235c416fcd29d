import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isAlive } from "./proc";
import { until } from "./until";

/** npm runs its scripts here. */
export const ROOT = process.cwd();

/** The `pm2` commands that are compared. Ours is the clone's own, as built. */
export const BIN = {
  ours: join(ROOT, "bin/pm2"),
  socketio: join(dirname(require.resolve("@socket.io/pm2/package.json")), "bin/pm2"),
  stock: join(dirname(require.resolve("pm2/package.json")), "bin/pm2"),
};

/** A reload of many clients takes a while. */
const COMMAND_TIMEOUT_MS = 120_000;

/** One program's command and, from its first use, its daemon, in a PM2_HOME of its own. */
export class Pm2 {
  private readonly home = mkdtempSync(join(tmpdir(), "pm2-bench-"));
  private readonly env: NodeJS.ProcessEnv;

  constructor(
    private readonly bin: string,
    extraEnv: NodeJS.ProcessEnv = {},
  ) {
    this.env = { ...process.env, PM2_HOME: this.home, PM2_DISCRETE_MODE: "true", ...extraEnv };
    for (const name of ["PORT", "NODE_OPTIONS"]) delete this.env[name];
  }

  /** Runs the command; returns what it wrote. */
  run(...args: string[]): Promise<string> {
    const child = spawn(process.execPath, [this.bin, ...args], {
      env: this.env,
      timeout: COMMAND_TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        if (code === 0) resolve(output);
        else reject(new Error(`pm2 ${args.join(" ")} exited with ${code}: ${output.trim()}`));
      });
    });
  }

  /** Runs the command; returns how many milliseconds it took. */
  async time(...args: string[]): Promise<number> {
    const start = performance.now();
    await this.run(...args);
    return performance.now() - start;
  }

  /** The daemon's pid. */
  get pid(): number {
    return Number(readFileSync(join(this.home, "pm2.pid"), "utf8"));
  }

  /** What the daemon has written so far. */
  get log(): string {
    return readFileSync(join(this.home, "pm2.log"), "utf8");
  }

  /** Ends the daemon and all it runs. */
  async stop(): Promise<void> {
    const { pid } = this;
    await this.run("kill");
    await until(() => !isAlive(pid), "the daemon to end");
    rmSync(this.home, { recursive: true, force: true });
  }
}
