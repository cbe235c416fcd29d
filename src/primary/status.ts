// SPDX-License-Identifier: MIT
import type { BalancingMethod } from "../config";
import type { PublicAddress } from "../protocol/messages";
import type { App } from "./app";
import { describeAddress, type ListenerState } from "./connections/listener";
import type { AppPlace } from "./routing";
import type { Outcome } from "./workers/handover-counts";
import type { WorkerHandle, WorkerState } from "./workers/worker-handle";

/** An app as `pm2 sticky --json` prints it. All numbers are counts, or bytes where the name says so. */
export interface AppStatus {
  name: string;
  /** The app's namespace in PM2; absent without PM2. */
  namespace?: string;
  /**
   * The app's main address, which is that of its first server with Socket.IO, as text: "port 3000", for example. "none"
   * if the app has no address because it uses the adapter alone.
   */
  listener: string;
  /** The main address in the form of Node's `server.address()`; null while it is not open. */
  address: PublicAddress | null;
  /** The state of the main address. */
  state: ListenerState;
  /** Why the main address could not be opened: the operating system's code, and who holds it if that is known. */
  error: string | null;
  /** All addresses of the app, the main one first. */
  addresses: AddressStatus[];
  /** How the worker of a new session is chosen. */
  method: BalancingMethod;
  /** How many connections are open whose request line has not arrived. */
  pending: number;
  /** How many connections wait for a worker to become ready. */
  waiting: number;
  /**
   * What is kept for connection state recovery: sessions (also those that have a client), packets, and the bytes of the
   * packets and of the sessions without a client. `evicted` is how many packets and sessions fell out before their
   * time, for want of room.
   */
  recovery: { sessions: number; packets: number; bytes: number; evicted: number };
  /** What became of the sessions that workers gave up, including workers that are gone. */
  handover: Record<Outcome, number>;
  /** The workers, in the order of their slots. Processes that have never used this package are left out. */
  workers: WorkerStatus[];
}

/** One address of an app. The first four are as in {@link AppStatus}. */
export interface AddressStatus {
  listener: string;
  address: PublicAddress | null;
  state: ListenerState;
  error: string | null;
  /** The slots of the workers that asked for it. */
  slots: number[];
}

/** One worker of an app. */
export interface WorkerStatus {
  /** Its place among the workers of its app, from 0. */
  slot: number;
  /** Which process of that place it is, from 0. */
  generation: number;
  /** PM2's id of the process; absent without PM2. */
  id?: string;
  pid: number | null;
  /** What it does at the moment; see `worker-handle.ts`. */
  state: WorkerState;
  /** How many live sessions it has. */
  sessions: number;
  /** How many connections it has. */
  connections: number;
  /** How many connections the primary has handed to it so far. */
  handedOff: number;
  /** How many requests it has passed on to another worker so far. */
  forwarded: number;
  /** How many frames of other workers were relayed to it so far. */
  framesRelayed: number;
  /** How many bytes these frames had. */
  bytesRelayed: number;
  /** How many volatile frames were dropped so far because it was slow to read. */
  framesDropped: number;
  /** What became of the sessions that it gave up so far. */
  handover: Record<Outcome, number>;
}

export function statusOf(app: App): AppStatus {
  const isMain = (place: AppPlace) =>
    place.claims.some(
      ({ app: owner, worker, server }) => owner === app && worker.servers.get(server)?.isMain,
    );
  const places = [...app.addresses.ofApp(app)].sort((a, b) => Number(isMain(b)) - Number(isMain(a)));
  const addresses = [...places.map((place) => addressStatus(app, place)), ...waitingStatus(app)];
  const [main = NONE] = addresses;
  return {
    name: app.name,
    ...{ listener: main.listener, address: main.address, state: main.state, error: main.error },
    addresses,
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

/** The addresses that the app's servers asked for and other apps have. */
function waitingStatus(app: App): AddressStatus[] {
  const byAddress = new Map<string, AddressStatus>();
  for (const { address, worker, why } of app.addresses.waitingOf(app)) {
    const listener = describeAddress(address);
    const known = byAddress.get(listener);
    if (known) known.slots.push(worker.slot);
    else
      byAddress.set(listener, { listener, address: null, state: "failed", error: why, slots: [worker.slot] });
  }
  return [...byAddress.values()];
}

function addressStatus(app: App, { listener, claims }: AppPlace): AddressStatus {
  const { refusal } = listener;
  const own = claims.filter((claim) => claim.app === app);
  return {
    listener: listener.name,
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
