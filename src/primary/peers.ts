// SPDX-License-Identifier: MIT
import type { Peer, PeerServer } from "../protocol/messages";
import type { Addresses } from "./connections/addresses";
import type { WorkerHandle } from "./workers/worker-handle";

/** Tells the workers of one app about each other: which servers each has, and which workers take new work. */
export class Peers {
  private isScheduled = false;

  constructor(
    private readonly workers: ReadonlySet<WorkerHandle>,
    private readonly addresses: Addresses<WorkerHandle>,
  ) {}

  /** Tells them at the end of the tick, in one message, however much changes in this tick. */
  announce(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    process.nextTick(() => {
      this.isScheduled = false;
      const peers: Peer[] = [];
      for (const worker of this.workers) {
        const servers = this.serversOf(worker);
        if (servers.length > 0) peers.push({ seat: worker.seat, servers, ready: worker.state === "ready" });
      }
      for (const worker of this.workers) worker.send({ type: "peers", peers });
    });
  }

  private serversOf(worker: WorkerHandle): PeerServer[] {
    const servers: PeerServer[] = [];
    for (const [number, { paths }] of worker.servers) {
      const address = worker.privateAddress(number);
      const place = this.addresses.of(worker, number);
      if (address !== undefined) servers.push({ listener: place?.id ?? 0, address, paths: [...paths] });
    }
    return servers;
  }
}
