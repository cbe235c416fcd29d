// SPDX-License-Identifier: MIT
import type { ListenAddress } from "./protocol/messages";

/**
 * How the worker of a new session is chosen: the one with the fewest sessions (workers with equally many take turns),
 * each in its turn, or any.
 */
export type BalancingMethod = "least-connection" | "round-robin" | "random";

const BALANCING_METHODS: readonly BalancingMethod[] = ["least-connection", "round-robin", "random"];

/**
 * The options of `sticky`, an app's key in the ecosystem file. `true` stands for all defaults; with `false` the app is
 * started as plain PM2 would start it. An option that is unknown or has a wrong value is reported as `STICKY_OPTION`,
 * and the app is not started.
 *
 * `port`, `host`, `path` and `backlog` are those of the app's main address, which is the address of its first server
 * with Socket.IO. All other servers of the app keep the address that they asked for.
 */
export interface StickyOptions {
  /**
   * The public TCP port, from 0 (any free port) to 65,535. Default: the first of what {@link appOptions} lists. Not
   * together with `path`. A port that cannot be opened is reported as `STICKY_PORT`, and tried again.
   */
  port?: number;
  /** The network address, or host name, on which the port is opened. Default: all addresses of the machine. */
  host?: string;
  /** The path of a Unix socket that is opened instead of a port. Default: none. */
  path?: string;
  /** How many connections the operating system holds until they are accepted, from 1 to 65,535. Default: 511. */
  backlog?: number;
  /** How the worker of a new session is chosen. Default: "least-connection". */
  method?: BalancingMethod;
  /** How long a connection waits for a ready worker, in milliseconds; then it gets a 503. Default: 5,000. */
  queueTimeout?: number;
  /** How long a request line may take to arrive, in milliseconds; then the connection gets a 408. Default: 10,000. */
  headTimeout?: number;
  /** How long a request line may be, in bytes, from 64 to 1,048,576; a longer one gets a 431. Default: 16,384. */
  maxHeadSize?: number;
  /**
   * How many connections whose request line has not arrived may be open, and how many may wait for a worker,
   * each from 1 to 1,000,000. If there are more, the oldest one is closed, or gets a 503 if it waits for a
   * worker. Default: 10,000.
   */
  maxPending?: number;
  /**
   * How many bytes may wait for a worker that is slow to read what the others send, from 65,536 on. Above a quarter of
   * it volatile packets for that worker are dropped; above all of it the worker is killed, so that it is replaced
   * (`STICKY_LINK_STUCK`). A single packet cannot be larger either (`STICKY_TOO_LARGE`). Default: 67,108,864 (64 MiB).
   */
  linkBuffer?: number;
  /**
   * How long, in milliseconds, a worker may read nothing at all while something waits for it. Then it is killed, so
   * that it is replaced (`STICKY_LINK_STUCK`). Default: 30,000.
   */
  linkTimeout?: number;
  /**
   * How much the primary keeps for clients that come back, if the app uses connection state recovery. `maxBytes` is how
   * many bytes of packets are kept, and as many again of the rooms and data of sessions without a client. What does not
   * fit falls out, the oldest first; a client that would need it gets a new session. Default: 67,108,864 (64 MiB).
   */
  recovery?: { maxBytes?: number };
  /**
   * What becomes of live sessions when their worker stops. If the app uses connection state recovery, they move to
   * other workers, unless this is `false`; those that do not move are closed, so that their clients reconnect.
   * `timeout` is how long, in milliseconds, a session may wait for open acknowledgements until it is closed instead;
   * default 5,000. `drainTimeout` is how long, in milliseconds, the worker may go on in all while it makes progress;
   * default 30,000, or PM2's `kill_timeout` if that is longer.
   */
  handover?: false | { timeout?: number; drainTimeout?: number };
  /**
   * How long, in milliseconds, a new worker may take to become ready in a reload, before the reload fails with
   * `STICKY_RELOAD`. PM2's `listen_timeout` counts instead if it is longer, or if it is set together with
   * `wait_ready`. Default: 60,000.
   */
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

/** How many sessions without a client are kept at most, however small they are. */
const MAX_LOST_SESSIONS = 200_000;

const DEFAULT_PORT = 8080;
/** The longest delay of a Node timer. */
const MAX_MS = 2 ** 31 - 1;

interface Rule {
  /** What the option takes, in words that fit into an error message. */
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

/** Whether this value of `sticky`, from the ecosystem file or from `--sticky`, switches it on. */
export function isSticky(sticky: unknown): boolean {
  return sticky === true || (typeof sticky === "object" && sticky !== null);
}

/** What is wrong with a value of `sticky`, one sentence for each error; empty if nothing is. */
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

/** An address to be opened, and whether the app's configuration names it (and not just a worker). */
export interface ConfiguredAddress {
  address: ListenAddress;
  isConfigured: boolean;
}

/**
 * An app's options as the primary uses them, with all defaults filled in. {@link StickyOptions} says in detail what
 * they mean, and in which range they are.
 */
export interface AppOptions {
  /** How the worker of a new session is chosen. */
  method: BalancingMethod;
  /** How long a connection waits for a ready worker. */
  queueTimeoutMs: number;
  /** How long a request line may take to arrive. */
  headTimeoutMs: number;
  /** How many bytes a request line may have. */
  maxHeadSize: number;
  /** How many connections may be without a request line, and how many may wait for a worker. */
  maxPending: number;
  /** How many bytes may wait for a worker that is slow to read its link. */
  linkBufferBytes: number;
  /** How long a worker may read nothing while something waits for it. */
  linkTimeoutMs: number;
  /** Whether live sessions may move to other workers, and how long one may wait for open acknowledgements before. */
  handover: { moves: boolean; ackTimeoutMs: number };
  /**
   * How many bytes of packets (and of sessions) and how many sessions without a client are kept for
   * clients that come back.
   */
  recovery: { maxBytes: number; maxSessions: number };
  /**
   * Returns the public address of a worker's server that asked for `wants`, or for no address in particular. The app's
   * options apply only to the main server, which is the first one with Socket.IO. Absent in a plain cluster, where the
   * connections come from a server of the user's own.
   */
  listenOn?: (wants: ListenAddress | undefined, isMain: boolean) => ConfiguredAddress;
}

/** The parts of an app's configuration that say how it is served. */
export interface AppEnvironment {
  sticky?: boolean | StickyOptions;
  /** The app's `port`, which may also come from `--port`. */
  port?: number | string;
  /** The app's environment variables, of which `PORT` counts. */
  env?: Record<string, unknown>;
}

/**
 * Makes the app's options out of its configuration and the daemon's environment. The main address is the first of these
 * that is there: `sticky.port` or `sticky.path`; what the worker's server asked for with `listen`; the app's `port`;
 * `PORT` in its `env`; `PM2_PORT` in the daemon's environment; port 8080. `sticky.host` and `sticky.backlog` apply to
 * it wherever it comes from. The values of `sticky` have been checked before ({@link checkStickyOptions}).
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
