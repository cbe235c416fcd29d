// SPDX-License-Identifier: MIT
import type { ToPrimary } from "../protocol/messages";
import type { OfficialMessage } from "./official-worker";
import type { WorkerHandle } from "./worker-handle";

/**
 * Passes adapter messages between the workers of one app. Payloads are never decoded: a frame leaves as the bytes it
 * came in.
 */
export class Relay {
  /** Which worker an adapter lives on. */
  private readonly adapters = new Map<string, WorkerHandle>();

  constructor(private readonly workers: ReadonlySet<WorkerHandle>) {}

  handle(from: WorkerHandle, message: ToPrimary, frame: Buffer): void {
    switch (message.type) {
      case "publish":
        for (const worker of this.workers) if (worker !== from) worker.relay(frame);
        break;
      case "respond":
        this.adapters.get(message.uid)?.relay(frame);
        break;
      case "adapter-open":
        this.adapters.set(message.uid, from);
        break;
      case "adapter-close":
        this.adapters.delete(message.uid);
        break;
    }
  }

  /** The others need not wait for answers of a worker that is gone. */
  left(gone: WorkerHandle): void {
    const uids = [...this.adapters].filter(([, worker]) => worker === gone).map(([uid]) => uid);
    if (uids.length === 0) return;
    for (const uid of uids) this.adapters.delete(uid);
    for (const worker of this.workers) if (worker !== gone) worker.send({ type: "gone", uids });
  }

  /** The same for workers that speak the official adapter's protocol, among themselves. */
  handleOfficial(from: WorkerHandle, message: OfficialMessage): void {
    if (!("source" in message)) return;
    from.official?.learn(message.uid);
    const { requesterUid } = message;
    for (const worker of this.workers) {
      if (worker === from) continue;
      if (requesterUid === undefined || worker.official?.has(requesterUid)) worker.official?.relay(message);
    }
  }
}
