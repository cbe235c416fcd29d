// SPDX-License-Identifier: MIT

/**
 * Official packages that are part of a bundle are never loaded as modules, so their exports cannot be
 * replaced. They are noticed when they begin to listen for the primary's messages: the source of that
 * listener has texts and names in it which a bundler leaves as they are.
 */
export interface Bundled {
  /** `setupWorker` of `@socket.io/sticky` was called in this turn. */
  onSticky(): void;
  /** An adapter of `@socket.io/cluster-adapter` is being made. */
  onAdapter(): void;
}

const OF_STICKY = /sticky:connection/;
const OF_ADAPTER = /\.source\b[\s\S]*\.nsp\.name\b[\s\S]*\.onMessage\(/;

export function watchBundled({ onSticky, onAdapter }: Bundled): void {
  process.on("newListener", (event, listener) => {
    if (event !== "message" || typeof listener !== "function") return;
    const text = Function.prototype.toString.call(listener);
    if (OF_STICKY.test(text)) onSticky();
    else if (OF_ADAPTER.test(text)) onAdapter();
  });
}

/**
 * Whether this is the listener with which the official `setupWorker` switches HTTP keep-alive off: a function
 * that does nothing but `setHeader("Connection", "close")`.
 */
export function endsKeepAlive(listener: unknown): boolean {
  return /^[^;]*\.setHeader\((["'`])Connection\1,\s*(["'`])close\2\);?\s*\}?$/.test(
    withoutComments(String(listener)),
  );
}

function withoutComments(text: string): string {
  return text.replace(/\/\/.*$/gm, "").trim();
}

/** A message that official adapters send each other. */
interface AdapterMessage {
  source?: unknown;
  data?: unknown;
}

/**
 * The official adapter needs an IPC channel that carries binary data. On a channel that carries JSON, a
 * buffer arrives as an object `{ type: "Buffer", data: [...] }`; such objects are made buffers again before
 * the adapter sees them.
 */
export function reviveBuffers(): void {
  process.prependListener("message" as never, reviveInAdapterMessage as never);
}

function reviveInAdapterMessage(message: AdapterMessage | null): void {
  if (message?.source === "_sio_adapter") message.data = revived(message.data);
}

function revived(value: unknown): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  const { type, data } = value as { type?: unknown; data?: unknown };
  if (type === "Buffer" && Array.isArray(data)) return Buffer.from(data);
  for (const [name, part] of Object.entries(value)) (value as Record<string, unknown>)[name] = revived(part);
  return value;
}
