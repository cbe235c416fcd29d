// SPDX-License-Identifier: MIT
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../clock";
import type { Log } from "../../log";
import { shield } from "../../log";
import { outsideDomain } from "../../node-internals";
import type { ListenAddress, PublicAddress } from "../../protocol/messages";
import { type PortHolder, portHolder } from "./port-holder";
import { closeAt, inodeAt, removeDeadSocket } from "./socket-file";

/**
 * An address that is open to the public, or is to be.
 *
 *     closed ──open()──▶ opening ──listening──▶ open
 *                          ▲ │                    │ error
 *                  back-off│ └──error──▶ failed ◀─┘
 *                          └───────────────┘         close() leads to closed from everywhere
 */
export type ListenerState = "closed" | "opening" | "open" | "failed";

/** Why an address is not open. */
export interface Refusal {
  /** The operating system's code, such as EADDRINUSE. */
  code: string;
  /** Who has the address, as far as that is known; for a log line. */
  holder?: string;
  /**
   * Whether former workers of the same app have the address, by way of Node's cluster module. That is so during the
   * reload that gives an app sticky sessions. These workers are about to be replaced, so nothing is wrong.
   */
  isMoving: boolean;
}

export interface ListenerEvents {
  onConnection(socket: Socket): void;
  onOpen(): void;
  /** It cannot be opened, and is tried again. */
  onRefused(refusal: Refusal): void;
}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
/** How often it is tried again at once if whoever held the address let go of it while we looked who that was. */
const MAX_QUICK_RETRIES = 10;
/**
 * While former workers of the same app have the address (see {@link Refusal.isMoving}), attempts follow each
 * other quickly, for as long as a reload may take by default: from the end of these workers until the next
 * attempt nobody can connect.
 */
const MOVING_RETRY_MS = 10;
const MAX_MOVING_RETRIES = 6000;

/**
 * Says who has a port that this very process holds, and whether that are former workers of the app that asks for it.
 */
export type OwnHolder = (port: number) => { holder?: string; isMoving: boolean };

export class Listener {
  private readonly events: ListenerEvents;
  private server: Server | undefined;
  private inode: number | undefined;
  private retry: NodeJS.Timeout | undefined;
  private retryMs = FIRST_RETRY_MS;
  private quickRetries = 0;
  private movingRetries = 0;
  state: ListenerState = "closed";
  /** Why it is not open, while `state` is "failed". */
  refusal: Refusal | undefined;

  /**
   * @param isConfigured whether the address is from the app's configuration. Only then a dead Unix socket at
   *   its path is removed. A path that a worker has named is left alone, because the daemon may have more
   *   rights than the worker.
   */
  constructor(
    readonly address: ListenAddress,
    private readonly isConfigured: boolean,
    log: Log,
    private readonly clock: Clock,
    private readonly ownHolder: OwnHolder,
    { onConnection, onOpen, onRefused }: ListenerEvents,
  ) {
    this.events = {
      onConnection: shield(log, onConnection),
      onOpen: shield(log, onOpen),
      onRefused: shield(log, onRefused),
    };
  }

  /** The address as the operating system tells it, while it is open. */
  get publicAddress(): PublicAddress | undefined {
    return this.state === "open" ? (this.server?.address() ?? undefined) : undefined;
  }

  /** The address, for people: with the port that the operating system has chosen, if any was asked for. */
  get name(): string {
    const open = this.publicAddress;
    const isChosen = this.address.port === 0 && typeof open === "object";
    return describeAddress(isChosen ? { ...this.address, port: open.port } : this.address);
  }

  /** Opens the address, or tries that again now. Does nothing if it is open. */
  open(): void {
    if (this.state === "open" || this.state === "opening") return;
    clearTimeout(this.retry);
    outsideDomain(() => this.listen());
  }

  close(): void {
    this.state = "closed";
    clearTimeout(this.retry);
    const { server } = this;
    this.server = undefined;
    if (this.address.path === undefined) server?.close();
    else closeAt(this.address.path, this.inode, () => server?.close());
  }

  private listen(): void {
    this.state = "opening";
    // Connections may be half-open, as with Node's HTTP server: a client may end its side and
    // still wait for the answer.
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    this.server = server;
    server.on("connection", this.events.onConnection);
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (this.server === server) void this.fail(error);
    });
    const { nth: _, ...address } = this.address;
    server.listen({ ...address, exclusive: true }, () => {
      if (this.server !== server) return;
      this.state = "open";
      this.inode = address.path === undefined ? undefined : inodeAt(address.path);
      this.retryMs = FIRST_RETRY_MS;
      this.quickRetries = 0;
      this.movingRetries = 0;
      this.refusal = undefined;
      this.events.onOpen();
    });
  }

  private async fail(error: NodeJS.ErrnoException): Promise<void> {
    const code = error.code ?? error.message;
    this.state = "failed";
    this.server?.close();
    this.server = undefined;
    const { path, port } = this.address;
    if (code === "EADDRINUSE" && path !== undefined && this.isConfigured && (await removeDeadSocket(path))) {
      if (this.state === "failed") this.open();
      return;
    }
    const holder = code === "EADDRINUSE" && port !== undefined ? await portHolder(port) : undefined;
    if (this.state !== "failed") return; // closed meanwhile
    if (holder?.held === false && this.quickRetries++ < MAX_QUICK_RETRIES) {
      this.open();
      return;
    }
    this.refusal = this.refusalOf(code, port, holder);
    const isMoving = this.refusal.isMoving && this.movingRetries++ < MAX_MOVING_RETRIES;
    this.retry = this.clock.after(isMoving ? MOVING_RETRY_MS : this.retryMs, () => this.open());
    if (!isMoving) this.retryMs = Math.min(this.retryMs * 2, MAX_RETRY_MS);
    this.events.onRefused(this.refusal);
  }

  private refusalOf(code: string, port: number | undefined, found: PortHolder | undefined): Refusal {
    if (found?.pid !== process.pid || port === undefined)
      return { code, holder: found?.holder, isMoving: false };
    return { code, ...this.ownHolder(port) };
  }
}

export function describeAddress({ path, host, port }: ListenAddress): string {
  if (path !== undefined) return path;
  if (!host) return `port ${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
