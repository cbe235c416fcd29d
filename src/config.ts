// SPDX-License-Identifier: MIT
import type { ListenAddress } from "./protocol/messages";

/** How the worker of a new session is chosen. */
export type BalancingMethod = "least-connection" | "round-robin" | "random";

const BALANCING_METHODS: readonly BalancingMethod[] = ["least-connection", "round-robin", "random"];

/** `sticky` of an app in an ecosystem file. `true` stands for all defaults, `false` switches the listener off. */
export interface StickyOptions {
  /** The public port. Default: see {@link appOptions}. */
  port?: number;
  /** The public host. Default: all addresses. */
  host?: string;
  /** A Unix socket instead of a port. */
  path?: string;
  /** Connections that the operating system lets wait. Default: 511. */
  backlog?: number;
  /** How the worker of a new session is chosen. Default: "least-connection". */
  method?: BalancingMethod;
  /** How long a connection waits for a ready worker, in ms. Default: 5,000. */
  queueTimeout?: number;
  /** How long a request line may take to arrive, in ms. Default: 10,000. */
  headTimeout?: number;
  /** How long a request line may be, in bytes. Default: 16,384. */
  maxHeadSize?: number;
  /** How many connections may be without a request line, and how many may wait for a worker. Default: 10,000. */
  maxPending?: number;
  /** How many bytes may wait for a worker that is slow to read its link, before it is replaced. Default: 67,108,864. */
  linkBuffer?: number;
  /** How long a worker may read nothing of what waits for it, in ms, before it is replaced. Default: 30,000. */
  linkTimeout?: number;
  /**
   * What is kept for clients that come back (connection state recovery): `maxBytes` of packets, and as many of
   * sessions without a client. Default: 67,108,864.
   */
  recovery?: { maxBytes?: number };
  /**
   * Moving live sessions to other workers (with connection state recovery), or `false`. `timeout` is how long a session
   * may wait for open acknowledgements before it is closed instead, default 5,000 ms; `drainTimeout` is how long a worker
   * that stops may go on while it makes progress, default 30,000 ms.
   */
  handover?: false | { timeout?: number; drainTimeout?: number };
  /** How long a new worker may take to become ready in a reload, in ms. Default: 60,000. */
  startTimeout?: number;
}

const DEFAULTS = {
  method: "least-connection",
  queueTimeout: 5000,
  headTimeout: 10_000,
  maxHeadSize: 16_384,
  maxPending: 10_000,
  startTimeout: 60_000,
  linkBuffer: 64 * 1024 * 1024,
  linkTimeout: 30_000,
  drainTimeout: 30_000,
  handoverTimeout: 5000,
  recoveryBytes: 64 * 1024 * 1024,
} as const;

/** Sessions without a client that are kept. */
const MAX_LOST_SESSIONS = 200_000;

const DEFAULT_PORT = 8080;
/** The longest delay of a Node timer. */
const MAX_MS = 2 ** 31 - 1;

interface Rule {
  takes: string;
  check(value: unknown): boolean;
}

const integer = (min: number, max: number, what: string): Rule => ({
  takes: `${what} from ${min} to ${max}`,
  check: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
});
const text: Rule = {
  takes: "a non-empty string",
  check: (value) => typeof value === "string" && value !== "",
};
const duration = integer(1, MAX_MS, "milliseconds");

const RULES: Record<keyof StickyOptions, Rule> = {
  port: integer(0, 65_535, "a port"),
  host: text,
  path: text,
  backlog: integer(1, 65_535, "an integer"),
  method: {
    takes: BALANCING_METHODS.map((method) => `"${method}"`).join(", "),
    check: (value) => BALANCING_METHODS.includes(value as BalancingMethod),
  },
  queueTimeout: duration,
  headTimeout: duration,
  maxHeadSize: integer(64, 2 ** 20, "bytes"),
  maxPending: integer(1, 1_000_000, "an integer"),
  startTimeout: duration,
  linkBuffer: integer(65_536, 2 ** 40, "bytes"),
  linkTimeout: duration,
  handover: {
    takes: "false or { timeout, drainTimeout } in milliseconds",
    check: (value) => value === false || consistsOf(value, { timeout: duration, drainTimeout: duration }),
  },
  recovery: {
    takes: "{ maxBytes: a number of bytes }",
    check: (value) => consistsOf(value, { maxBytes: integer(0, 2 ** 40, "bytes") }),
  },
};

/** Whether `sticky` of the ecosystem file, or `--sticky`, is on. */
export function isSticky(sticky: unknown): boolean {
  return sticky === true || (typeof sticky === "object" && sticky !== null);
}

/** What is wrong with a `sticky` value, one sentence each; empty if it is fine. */
export function checkStickyOptions(value: unknown): string[] {
  if (value === undefined || typeof value === "boolean") return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [`"sticky" takes true, false or an object of options, but is ${show(value)}`];
  }
  const errors: string[] = [];
  for (const [name, option] of Object.entries(value)) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name as keyof StickyOptions] : undefined;
    if (!rule) errors.push(`"sticky.${name}" is unknown: sticky takes ${Object.keys(RULES).join(", ")}`);
    else if (option !== undefined && !rule.check(option)) {
      errors.push(`"sticky.${name}" takes ${rule.takes}, but is ${show(option)}`);
    }
  }
  const { port, path } = value as StickyOptions;
  if (port !== undefined && path !== undefined) errors.push('"sticky" takes a port or a path, not both');
  return errors;
}

function consistsOf(value: unknown, rules: Record<string, Rule>): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([name, part]) => Object.hasOwn(rules, name) && rules[name]!.check(part),
  );
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

/** An address, and whether it is from the configuration and not a worker's word. */
export interface ConfiguredAddress {
  address: ListenAddress;
  isConfigured: boolean;
}

/** An app's options as the primary uses them; what they mean is said at {@link StickyOptions}. */
export interface AppOptions {
  method: BalancingMethod;
  queueTimeoutMs: number;
  headTimeoutMs: number;
  maxHeadSize: number;
  maxPending: number;
  linkBufferBytes: number;
  linkTimeoutMs: number;
  /** Whether live sessions may move to other workers, and how long one may wait for acknowledgements before. */
  handover: { moves: boolean; ackTimeoutMs: number };
  /** How many bytes, and how many sessions without a client, are kept for clients that come back. */
  recovery: { maxBytes: number; maxSessions: number };
  /**
   * Which public address a worker's server gets that asked for `wants`, or for none; only the main one, the first with
   * Socket.IO, is subject to the app's options. Absent where the user's own server brings the connections.
   */
  listenOn?: (wants: ListenAddress | undefined, isMain: boolean) => ConfiguredAddress;
}

/** What an app's configuration says about its listener, beside `sticky`. */
export interface AppEnvironment {
  sticky?: boolean | StickyOptions;
  /** The app's `port` (`--port`). */
  port?: number | string;
  /** The app's `env`. */
  env?: Record<string, unknown>;
}

/**
 * One frozen configuration out of the ecosystem file and the environment of the daemon. The public port is the first of:
 * `sticky.port` or `sticky.path`, what the worker asked for, the app's `port`, `PORT` in its `env`, `PM2_PORT` in the
 * daemon's environment, 8080. `sticky.host` and `sticky.backlog` go with any of them.
 */
export function appOptions(
  app: AppEnvironment,
): Readonly<AppOptions & { startTimeoutMs: number; drainTimeoutMs: number }> {
  const sticky: StickyOptions = typeof app.sticky === "object" ? app.sticky : {};
  const { host, backlog } = sticky;
  const handover = sticky.handover || {};
  const around = (address: ListenAddress): ListenAddress => ({
    ...address,
    ...(host !== undefined && address.path === undefined && { host }),
    ...(backlog !== undefined && { backlog }),
  });
  const configured = sticky.path ?? sticky.port;
  const fallback = portOf(app.port) ?? portOf(app.env?.PORT) ?? portOf(process.env.PM2_PORT) ?? DEFAULT_PORT;
  return Object.freeze({
    method: sticky.method ?? DEFAULTS.method,
    queueTimeoutMs: sticky.queueTimeout ?? DEFAULTS.queueTimeout,
    headTimeoutMs: sticky.headTimeout ?? DEFAULTS.headTimeout,
    maxHeadSize: sticky.maxHeadSize ?? DEFAULTS.maxHeadSize,
    maxPending: sticky.maxPending ?? DEFAULTS.maxPending,
    drainTimeoutMs: handover.drainTimeout ?? DEFAULTS.drainTimeout,
    handover: {
      moves: sticky.handover !== false,
      ackTimeoutMs: handover.timeout ?? DEFAULTS.handoverTimeout,
    },
    startTimeoutMs: sticky.startTimeout ?? DEFAULTS.startTimeout,
    linkBufferBytes: sticky.linkBuffer ?? DEFAULTS.linkBuffer,
    linkTimeoutMs: sticky.linkTimeout ?? DEFAULTS.linkTimeout,
    recovery: {
      maxBytes: sticky.recovery?.maxBytes ?? DEFAULTS.recoveryBytes,
      maxSessions: MAX_LOST_SESSIONS,
    },
    listenOn: (wants: ListenAddress | undefined, isMain: boolean) => {
      if (!isMain && wants) return { address: wants, isConfigured: false };
      if (typeof configured === "string")
        return { address: around({ path: configured }), isConfigured: true };
      if (configured !== undefined) return { address: around({ port: configured }), isConfigured: true };
      return { address: around(wants ?? { port: fallback }), isConfigured: wants === undefined };
    },
  });
}

function portOf(value: unknown): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const port = Number(value);
  return Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : undefined;
}
