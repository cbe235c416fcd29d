// SPDX-License-Identifier: MIT
import type { ListenAddress } from "../../protocol/messages";

/**
 * The public address in the arguments of `server.listen()`, which takes them in several forms. `undefined`
 * for what the primary cannot open: a handle, a file descriptor, or an address that the app wants for itself
 * (`exclusive`).
 *
 * @see https://nodejs.org/api/net.html#serverlisten
 */
export function listenAddress(args: readonly unknown[]): ListenAddress | undefined {
  const [first, second, third] = args;
  if (typeof first === "object" && first !== null) {
    const { port, host, path, backlog, exclusive, fd, ...more } = first as Record<string, unknown>;
    if (exclusive || typeof fd === "number") return undefined;
    if (typeof path === "string") return { ...withBacklog({ path }, backlog), ...flags(more, PATH_FLAGS) };
    const address = fromPort(port, host, backlog);
    return address && { ...address, ...flags(more, PORT_FLAGS) };
  }
  if (typeof first === "string" && !isPort(first)) return withBacklog({ path: first }, second);
  if (first === undefined || first === null || typeof first === "function") return { port: 0 };
  return fromPort(first, second, typeof second === "number" ? second : third);
}

const PORT_FLAGS = ["ipv6Only"] as const;
const PATH_FLAGS = ["readableAll", "writableAll"] as const;

/** Of these options, which are either on or off, those that are on. */
function flags<F extends string>(options: Record<string, unknown>, names: readonly F[]): { [N in F]?: true } {
  const on: { [N in F]?: true } = {};
  for (const name of names) if (options[name]) on[name] = true;
  return on;
}

/** The signal in the arguments of `server.listen()`, which closes the server when it is aborted. */
export function listenSignal([first]: readonly unknown[]): AbortSignal | undefined {
  const signal =
    typeof first === "object" && first !== null ? (first as { signal?: unknown }).signal : undefined;
  return signal instanceof AbortSignal ? signal : undefined;
}

/** With which arguments servers have listened by way of Node's cluster module, as far as that was watched. */
export const listenedWith = new WeakMap<object, readonly unknown[]>();

/** Whether this error says that somebody has the address already. */
export function isInUse(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE";
}

/** The callback in the arguments of `server.listen()`. */
export function listenCallback(args: readonly unknown[]): (() => void) | undefined {
  const last = args.at(-1);
  return typeof last === "function" ? (last as () => void) : undefined;
}

function fromPort(port: unknown, host: unknown, backlog: unknown): ListenAddress | undefined {
  if (!isPort(port)) return undefined;
  const address: ListenAddress = { port: Number(port) };
  if (typeof host === "string") address.host = host;
  return withBacklog(address, backlog);
}

function withBacklog(address: ListenAddress, backlog: unknown): ListenAddress {
  if (typeof backlog !== "number" || !Number.isFinite(backlog) || backlog <= 0) return address;
  return { ...address, backlog };
}

function isPort(value: unknown): boolean {
  if (typeof value !== "number" && (typeof value !== "string" || value.trim() === "")) return false;
  const port = Number(value);
  return Number.isInteger(port) && port >= 0 && port <= 65535;
}
