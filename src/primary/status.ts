// SPDX-License-Identifier: MIT
import type { BalancingMethod } from "../config";
import type { PublicAddress } from "../protocol/messages";
import type { App } from "./app";
import { describeAddress, type ListenerState } from "./connections/listener";
import type { AppPlace } from "./routing";
import type { Outcome } from "./workers/handover-counts";
import type { WorkerHandle, WorkerState } from "./workers/worker-handle";

/** An app as `pm2 sticky --json` prints it. */
export interface AppStatus {
  name: string;
  /** PM2's namespace; absent without PM2. */
  namespace?: string;
  /** Its main address: that of the first server with Socket.IO. "none" if the app uses the adapter alone. */
  listener: string;
  /** The main address as the operating system has it, if open. */
  address: PublicAddress | null;
  /** Whether the main address is open. */
  state: ListenerState;
  /** Why the main address is not open. */
  error: string | null;
  /** All addresses of the app, the main one first. */
  addresses: AddressStatus[];
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

export interface AddressStatus {
  listener: string;
  address: PublicAddress | null;
  state: ListenerState;
  error: string | null;
  /** The slots of the workers that asked for it. */
  slots: number[];
}

export interface WorkerStatus {
  slot: number;
  generation: number;
  /** PM2's id of the process; absent without PM2. */
  id?: string;
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
  const isMain = (place: AppPlace) =>
    place.claims.some(
      ({ app: owner, worker, server }) => owner === app && worker.servers.get(server)?.isMain,
    );
  const places = [...app.addresses.ofApp(app)].sort((a, b) => Number(isMain(b)) - Number(isMain(a)));
  const [main = NONE] = places.map((place) => addressStatus(app, place));
  return {
    name: app.name,
    ...{ listener: main.listener, address: main.address, state: main.state, error: main.error },
    addresses: places.map((place) => addressStatus(app, place)),
    method: app.method,
    ...app.connectionCounts,
    recovery: app.recovery,
    handover: app.handoverCounts.toJSON(),
    workers: [...app.workers]
      .filter((worker) => worker.takesPart)
      .map(workerStatus)
      .sort((a, b) => a.slot - b.slot || a.generation - b.generation),
  };
}

const NONE = { listener: "none", address: null, state: "closed", error: null } as const;

function addressStatus(app: App, { listener, claims }: AppPlace): AddressStatus {
  const { refusal } = listener;
  const own = claims.filter((claim) => claim.app === app);
  return {
    listener: describeAddress(listener.address),
    address: listener.publicAddress ?? null,
    state: listener.state,
    error: refusal ? [refusal.code, refusal.holder].filter(Boolean).join(", ") : null,
    slots: own.map(({ worker }) => worker.slot).sort((a, b) => a - b),
  };
}

function workerStatus(worker: WorkerHandle): WorkerStatus {
  const { channel, slotKey } = worker;
  return {
    slot: worker.slot,
    generation: worker.generation,
    ...(slotKey !== undefined && { id: slotKey }),
    pid: worker.pid ?? null,
    state: worker.state,
    sessions: worker.sessions,
    connections: worker.connections,
    handedOff: worker.handedOff,
    forwarded: worker.forwarded,
    framesRelayed: channel.framesRelayed,
    bytesRelayed: channel.bytesRelayed,
    framesDropped: channel.framesDropped,
    handover: worker.handoverCounts.toJSON(),
  };
}
