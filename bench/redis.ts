import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { freePort, until } from "./until";

/** A Redis server of the benchmark's own, which keeps nothing on disk. */
export class Redis {
  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
  ) {}

  get pid(): number {
    return this.process.pid!;
  }

  static async start(): Promise<Redis> {
    const port = await freePort();
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const child = spawn("redis-server", args, { stdio: "ignore" });
    await new Promise((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", () =>
        reject(new Error("redis-server is not installed (Debian: apt-get install redis-server)")),
      );
    });
    const end = () => child.kill();
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    await until(() => answers(port), "Redis to answer");
    return new Redis(child, `redis://127.0.0.1:${port}`);
  }

  async stop(): Promise<void> {
    this.process.kill();
    await once(this.process, "exit");
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(port, "127.0.0.1");
    probe.once("connect", () => resolve(true)).once("error", () => resolve(false));
    probe.once("connect", () => probe.destroy());
  });
}
