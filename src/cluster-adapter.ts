// SPDX-License-Identifier: MIT
/**
 * `pm2-socket.io/cluster-adapter`: the adapter for plain Node cluster, with the names and signatures of
 * `@socket.io/cluster-adapter`.
 */
import { setupRelay } from "./primary/cluster-primary";
import { NodeClusterAdapter as ClusterAdapter, createAdapter as create } from "./worker/adapter/adapter";
import type { AdapterOptions } from "./worker/adapter/messaging-adapter";

export type { AdapterOptions };

/** The adapter class that {@link createAdapter} makes instances of. */
export class NodeClusterAdapter extends ClusterAdapter {}

/** Creates the adapter: `io.adapter(createAdapter())`. */
// biome-ignore lint/suspicious/noExplicitAny: a namespace of the app's own Socket.IO, in any version
export function createAdapter(options?: AdapterOptions): (nsp: any) => ClusterAdapter {
  return create(options);
}

/**
 * Relays packets between the adapters of this cluster's workers. To be called in the primary, before or after forking.
 *
 * @throws StickyError `STICKY_NOT_PRIMARY` in a worker
 */
export function setupPrimary(): void {
  setupRelay();
}
