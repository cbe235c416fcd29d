// SPDX-License-Identifier: MIT
import type { PeerChange } from "../../protocol/messages";
import { keyIn, type NamespacedKey } from "../../protocol/room-key";

/** The adapter of one namespace in one worker. */
interface OpenAdapter<W> {
  uid: string;
  worker: W;
  /** The number that the worker has for its Socket.IO server. */
  local: number;
  scope: number;
  nsp: string;
}

/**
 * Which adapters the workers of an app have, and what each adapter has to be told about the others of its namespace.
 * With this no adapter needs heartbeats: the primary sees when a worker is gone, and tells the others. Pure: whoever
 * uses it sends the workers what {@link takeChanges} returns. It does that once in a turn, so that a worker which opens
 * a thousand namespaces causes one message, not a thousand.
 */
export class Adapters<W extends object> {
  private readonly byUid = new Map<string, OpenAdapter<W>>();
  private readonly byPlace = new Map<NamespacedKey, Set<OpenAdapter<W>>>();
  private readonly byWorker = new Map<W, Set<OpenAdapter<W>>>();
  /** What has to be told, by worker, adapter and peer: whether the peer has come or gone. */
  private changes = new Map<W, Map<string, Map<string, boolean>>>();

  /** A worker has opened an adapter. Returns false if there is one with this `uid` already. */
  add(worker: W, uid: string, local: number, scope: number, nsp: string): boolean {
    if (this.byUid.has(uid)) return false;
    const adapter = { uid, worker, local, scope, nsp };
    this.byUid.set(uid, adapter);
    addTo(this.byWorker, worker, adapter);
    this.enter(adapter);
    return true;
  }

  /** A worker has closed an adapter. Returns false if it has none with this `uid`. */
  remove(worker: W, uid: string): boolean {
    const adapter = this.byUid.get(uid);
    if (adapter?.worker !== worker) return false;
    this.byUid.delete(uid);
    removeFrom(this.byWorker, worker, adapter);
    this.leave(adapter);
    const changes = this.changes.get(worker);
    changes?.delete(uid);
    if (changes?.size === 0) this.changes.delete(worker);
    return true;
  }

  /** The worker is gone. Returns the uids of the adapters that it had. */
  left(worker: W): string[] {
    const uids = [...(this.byWorker.get(worker) ?? [])].map(({ uid }) => uid);
    for (const uid of uids) this.remove(worker, uid);
    return uids;
  }

  /** One of a worker's servers belongs to another scope from now on. Returns the uids of that server's adapters. */
  move(worker: W, local: number, scope: number): string[] {
    const moved = [...(this.byWorker.get(worker) ?? [])].filter((adapter) => adapter.local === local);
    for (const adapter of moved) {
      this.leave(adapter);
      adapter.scope = scope;
      this.enter(adapter);
    }
    return moved.map(({ uid }) => uid);
  }

  workerOf(uid: string): W | undefined {
    return this.byUid.get(uid)?.worker;
  }

  /** The adapters that all workers but this one have for a namespace. */
  others(worker: W, scope: number, nsp: string): Iterable<{ uid: string; worker: W }> {
    return this.at(scope, nsp).filter((adapter) => adapter.worker !== worker);
  }

  /** What has changed for each worker since this was called last. */
  takeChanges(): [worker: W, changes: PeerChange[]][] {
    const { changes } = this;
    if (changes.size === 0) return [];
    this.changes = new Map();
    return [...changes].map(([worker, adapters]) => [
      worker,
      [...adapters].map(([uid, peers]) => {
        const [came, went]: [string[], string[]] = [[], []];
        for (const [peer, isThere] of peers) (isThere ? came : went).push(peer);
        return { uid, came, went };
      }),
    ]);
  }

  private at(scope: number, nsp: string): OpenAdapter<W>[] {
    return [...(this.byPlace.get(keyIn(scope, nsp, "")) ?? [])];
  }

  private enter(adapter: OpenAdapter<W>): void {
    // An adapter asks nothing before it was told of its peers, so even one that has none has to be told something.
    this.changesOf(adapter);
    this.tellEachOther(adapter, true);
    addTo(this.byPlace, keyIn(adapter.scope, adapter.nsp, ""), adapter);
  }

  private leave(adapter: OpenAdapter<W>): void {
    removeFrom(this.byPlace, keyIn(adapter.scope, adapter.nsp, ""), adapter);
    this.tellEachOther(adapter, false);
  }

  private tellEachOther(adapter: OpenAdapter<W>, isThere: boolean): void {
    for (const other of this.at(adapter.scope, adapter.nsp)) {
      if (other.worker === adapter.worker) continue;
      this.changesOf(other).set(adapter.uid, isThere);
      this.changesOf(adapter).set(other.uid, isThere);
    }
  }

  private changesOf({ worker, uid }: OpenAdapter<W>): Map<string, boolean> {
    const adapters = this.changes.get(worker) ?? new Map<string, Map<string, boolean>>();
    this.changes.set(worker, adapters);
    const peers = adapters.get(uid) ?? new Map<string, boolean>();
    adapters.set(uid, peers);
    return peers;
  }
}

function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

function removeFrom<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
