// SPDX-License-Identifier: MIT
import cluster, { type Worker } from "node:cluster";
import type { Socket } from "node:net";
import { LAST_WORDS_MS } from "../protocol/timing";
import type { App } from "./app";
import type { WorkerHandle } from "./workers/worker-handle";
import type { WorkerTerms } from "./workers/worker-terms";

/**
 * Attaches a forked worker to an app. Among the worker's IPC messages those that are meant for us are taken out: nobody
 * else sees a `message` event for them.
 */
export function bindWorker(app: App, worker: Worker, terms?: WorkerTerms): WorkerHandle {
  const handle = app.attach(worker, terms);
  const { emit } = worker;
  worker.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event === "message" && handle.handleIpc(args[0], args[1] as Socket | undefined)) return true;
    return (emit as (...args: unknown[]) => boolean).call(worker, event, ...args);
  };
  sayListening(app, handle);
  worker.once("disconnect", () => handle.left());
  // The IPC channel may still hold something that the worker said. Its end, "disconnect", normally follows at once, but
  // a child of the worker that has inherited the channel may keep it open.
  worker.once("exit", () => {
    if (worker.isConnected()) app.clock.after(LAST_WORDS_MS, () => handle.left());
    else handle.left();
  });
  return handle;
}

/**
 * Emits Node's `listening` event once the worker serves. Process managers wait for that event, and Node itself emits it
 * only for a worker that listens by way of the cluster module.
 */
function sayListening(app: App, handle: WorkerHandle): void {
  const unwatch = app.watch((changed) => {
    if (changed !== handle || handle.state === "starting" || handle.state === "listening") return;
    unwatch();
    if (handle.state !== "ready" && handle.state !== "overdue") return;
    const address = { address: "", port: -1, addressType: -1 as const };
    handle.worker.emit("listening", address);
    cluster.emit("listening", handle.worker, address);
  });
}
