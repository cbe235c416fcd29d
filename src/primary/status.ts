// SPDX-License-Identifier: MIT
import type { BalancingMethod } from "../config";
import type { PublicAddress } from "../protocol/messages";
import type { App } from "./app";
import { describeAddress, type ListenerState } from "./connections/listener";
import type { Outcome } from "./workers/handover-counts";
import type { WorkerState } from "./workers/worker-handle";

/** An app as `pm2 sticky --json` prints it. */
export interface AppStatus {
  name: string;
  /** Where the app listens, or wants to. */
  listener: string;
  /** The address as the operating system has it, if open. */
  address: PublicAddress | null;
  state: ListenerState;
  /** Why the listener is not open. */
  error: string | null;
  method: BalancingMethod;
  /** Connections whose request line has not arrived. */
  pending: number;
  /** Connections that wait for a worker to become ready. */
  waiting: number;
  /** What is kept for clients that come back; `evicted` counts what fell out before its time. */
  recovery: { sessions: number; packets: number; bytes: number; evicted: number };
  /** What became of the sessions that workers gave up, those that are gone included. */
  handover: Record<Outcome, number>;
  workers: WorkerStatus[];
}

export interface WorkerStatus {
  slot: number;
  generation: number;
  pid: number | null;
  state: WorkerState;
  sessions: number;
  connections: number;
  /** Connections the primary handed to this worker. */
  handedOff: number;
  /** Requests that this worker passed on to the owner of their session. */
  forwarded: number;
  /** Frames and bytes of other workers that were relayed to this one. */
  framesRelayed: number;
  bytesRelayed: number;
  /** Volatile frames that were dropped because the worker was slow to read. */
  framesDropped: number;
  /** What became of the sessions that it gave up. */
  handover: Record<Outcome, number>;
}

export function statusOf(app: App): AppStatus {
  const { listener } = app;
  return {
    name: app.name,
    listener: listener ? describeAddress(listener.address) : "none",
    address: listener?.publicAddress ?? null,
    state: listener?.state ?? "closed",
    error: listener?.error ?? null,
    method: app.method,
    ...app.connectionCounts,
    recovery: app.recovery,
    handover: app.handoverCounts.toJSON(),
    workers: [...app.workers]
      .filter((worker) => worker.takesPart)
      .map((worker) => ({
        slot: worker.slot,
        generation: worker.generation,
        pid: worker.pid ?? null,
        state: worker.state,
        sessions: worker.sessions,
        connections: worker.connections,
        handedOff: worker.handedOff,
        forwarded: worker.forwarded,
        framesRelayed: worker.channel.framesRelayed,
        bytesRelayed: worker.channel.bytesRelayed,
        framesDropped: worker.channel.framesDropped,
        handover: worker.handoverCounts.toJSON(),
      }))
      .sort((a, b) => a.slot - b.slot || a.generation - b.generation),
  };
}
