// SPDX-License-Identifier: MIT
import { unlink } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../clock";
import { describe } from "../../errors";
import { type Log, shield } from "../../log";
import { outsideDomain } from "../../node-internals";
import type { ListenAddress, PublicAddress } from "../../protocol/messages";
import { type PortHolder, portHolder } from "./port-holder";

/**
 * An app's public address.
 *
 *     closed ──open()──▶ opening ──listening──▶ open
 *                          ▲ │                    │ error
 *                  back-off│ └──error──▶ failed ◀─┘
 *                          └───────────────┘         close() leads to closed from everywhere
 */
export type ListenerState = "closed" | "opening" | "open" | "failed";

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
const MAX_QUICK_RETRIES = 10;

export class Listener {
  private server: Server | undefined;
  private retry: NodeJS.Timeout | undefined;
  private retryMs = FIRST_RETRY_MS;
  private quickRetries = 0;
  private reported: string | undefined;
  state: ListenerState = "closed";
  /** Why it is not open, while `state` is "failed". */
  error: string | undefined;

  constructor(
    private readonly appName: string,
    readonly address: ListenAddress,
    private readonly log: Log,
    private readonly clock: Clock,
    private readonly onConnection: (socket: Socket) => void,
    /** Called when the state becomes "open" or "failed". */
    private readonly onSettled: () => void,
  ) {}

  /** The address as the operating system has it, once open. */
  get publicAddress(): PublicAddress | undefined {
    return this.state === "open" ? (this.server?.address() ?? undefined) : undefined;
  }

  open(): void {
    if (this.state !== "closed") return;
    this.attempt();
  }

  close(): void {
    this.state = "closed";
    clearTimeout(this.retry);
    this.server?.close();
    this.server = undefined;
  }

  private attempt(): void {
    outsideDomain(() => this.listen());
  }

  private listen(): void {
    this.state = "opening";
    // Half-open, as Node's HTTP server has it: a client may end its side and still wait for the answer.
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    this.server = server;
    server.on("connection", shield(this.log, this.onConnection));
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (this.server === server) void this.fail(error);
    });
    server.listen(this.address, () => {
      if (this.server !== server) return;
      this.state = "open";
      this.retryMs = FIRST_RETRY_MS;
      this.quickRetries = 0;
      this.error = undefined;
      if (this.reported)
        this.log.info(`app "${this.appName}" listens on ${describeAddress(this.address)} now`);
      this.reported = undefined;
      this.onSettled();
    });
  }

  private async fail(error: NodeJS.ErrnoException): Promise<void> {
    this.error = error.code ?? error.message;
    this.state = "failed";
    this.server?.close();
    if (error.code === "EADDRINUSE" && this.address.path && (await removeStale(this.address.path))) {
      if (this.state === "failed") this.attempt();
      return;
    }
    const inUse = error.code === "EADDRINUSE" && this.address.port !== undefined;
    const { held, pid, holder }: PortHolder = inUse ? await portHolder(this.address.port!) : { held: true };
    if (this.state !== "failed") return; // closed meanwhile
    if (!held && this.quickRetries++ < MAX_QUICK_RETRIES) {
      // Whoever held it let go of it while we looked.
      this.attempt();
      return;
    }
    if (holder) this.error += `, ${holder}`;
    // An app that listened before it attached Socket.IO has the port here, by way of the cluster module, until its last
    // worker has moved.
    const moving = pid === process.pid && this.retryMs === FIRST_RETRY_MS;
    if (!moving && this.reported !== this.error) {
      this.reported = this.error;
      this.log.error(describe("STICKY_PORT", this.appName, describeAddress(this.address), this.error));
    }
    this.retry = this.clock.after(this.retryMs, () => this.attempt());
    this.retryMs = Math.min(this.retryMs * 2, MAX_RETRY_MS);
    this.onSettled();
  }
}

export function describeAddress({ path, host, port }: ListenAddress): string {
  if (path) return path;
  if (!host) return `port ${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Removes a Unix socket that nobody serves any more. Returns whether it did. */
function removeStale(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNREFUSED") return resolve(false);
      unlink(path).then(
        () => resolve(true),
        () => resolve(false),
      );
    });
  });
}
