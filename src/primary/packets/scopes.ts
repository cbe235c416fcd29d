// SPDX-License-Identifier: MIT
import { MAX_SCOPES } from "../../protocol/messages";

/**
 * One Socket.IO server of one worker. The worker numbers its servers, and names a server by this number in what it
 * says. The number is called local, because another worker may make its servers in another order.
 */
interface OpenServer<W> {
  worker: W;
  local: number;
  path: string;
  /** The address on which its HTTP server has asked to listen, if that is known. */
  address: string | undefined;
  scope: Scope<W> | undefined;
  /**
   * Whether it has had a client. From then on its scope stays the same, because its rooms and sessions are kept
   * under the scope's number.
   */
  used: boolean;
}

/** The servers of all workers that belong together, under one number that is the same for the whole app. */
interface Scope<W> {
  global: number;
  path: string;
  /** At most one server of each worker. */
  servers: Map<W, OpenServer<W>>;
  /** The address of the server that left it last, by which the next process of that worker finds it. */
  lastAddress: string | undefined;
}

/**
 * What a worker has to be told: to which scope one of its servers belongs, and to which it belonged before, if to any.
 */
export interface Assignment<W> {
  worker: W;
  local: number;
  global: number;
  former: number | undefined;
}

/** The servers of one worker, by the numbers that it has given to them. */
interface Numbers<W> {
  /** The number that its next server will have. There has been a server for each lower number. */
  next: number;
  /** In the order in which they were made. */
  open: Map<number, OpenServer<W>>;
}

/** How many scopes are remembered that no worker has open. */
const MAX_DESERTED = 1000;

/**
 * Which Socket.IO servers of the workers of an app belong together. Within one process, several servers are strangers
 * to each other: a broadcast of one does not reach the clients of another. Across workers, those servers should act as
 * one that the app makes at the same place in its code. They are called a scope, and are recognised by their path. If a
 * worker has several servers of one path (on different ports, for example), the address that each asked for decides
 * which of them belongs to which scope; where that says nothing, the order decides in which they were made.
 *
 * A scope that no worker has open any more is remembered, because sessions of a worker that was killed may wait in it.
 * The next server of its path takes it up. Pure: whoever uses it tells the workers what it returns.
 */
export class Scopes<W extends object> {
  private readonly workers = new Map<W, Numbers<W>>();
  private readonly byGlobal = new Map<number, Scope<W>>();
  /** In the order in which they were made. */
  private readonly byPath = new Map<string, Scope<W>[]>();
  /** Scopes in which no worker has a server any more, in the order in which they lost the last one. */
  private readonly deserted = new Set<Scope<W>>();
  private lastGlobal = 0;

  /** A worker has a new server. Returns what the worker has to be told; or, as a text, which rule it has broken. */
  open(worker: W, local: number, path: string, address?: string): Assignment<W>[] | string {
    const numbers = this.workers.get(worker) ?? { next: 0, open: new Map<number, OpenServer<W>>() };
    if (local !== numbers.next) return `scope ${local} where ${numbers.next} comes next`;
    if (numbers.open.size >= MAX_SCOPES) return `more than ${MAX_SCOPES} open scopes`;
    this.workers.set(worker, numbers);
    numbers.next++;
    numbers.open.set(local, { worker, local, path, address, scope: undefined, used: false });
    return this.match(worker, path);
  }

  /** The address became known on which the HTTP server of one of a worker's Socket.IO servers has asked to listen. */
  setAddress(worker: W, local: number, address: string): Assignment<W>[] {
    const server = this.serverOf(worker, local);
    if (!server) return [];
    server.address = address;
    return this.match(worker, server.path);
  }

  /** A worker's server was closed. */
  close(worker: W, local: number): Assignment<W>[] {
    const server = this.serverOf(worker, local);
    if (!server) return [];
    this.workers.get(worker)!.open.delete(local);
    this.leave(server);
    return this.match(worker, server.path);
  }

  /** The worker is gone. */
  left(worker: W): void {
    for (const server of this.workers.get(worker)?.open.values() ?? []) this.leave(server);
    this.workers.delete(worker);
    this.forgetSome();
  }

  /** Whether the worker has, or has had, a server with this number. */
  isKnown(worker: W, local: number): boolean {
    return local < (this.workers.get(worker)?.next ?? 0);
  }

  /** The scope of a worker's server; `undefined` if the server is not open. */
  globalOf(worker: W, local: number): number | undefined {
    return this.serverOf(worker, local)?.scope?.global;
  }

  /** A worker's server has a client: see {@link OpenServer.used}. */
  use(worker: W, local: number): void {
    const server = this.serverOf(worker, local);
    if (server) server.used = true;
  }

  /** Whether a worker has a server of this scope. */
  has(worker: W, global: number): boolean {
    return this.byGlobal.get(global)?.servers.has(worker) ?? false;
  }

  /** How many scopes are remembered. */
  get size(): number {
    return this.byGlobal.size;
  }

  /**
   * The paths at which some workers have more servers than others (not counting those that have none there). Which of
   * these servers belong together is a guess.
   */
  disagreements(): { path: string; least: number; most: number }[] {
    const counts = new Map<string, number[]>();
    for (const { open } of this.workers.values()) {
      const own = new Map<string, number>();
      for (const { path } of open.values()) own.set(path, (own.get(path) ?? 0) + 1);
      for (const [path, count] of own) counts.set(path, [...(counts.get(path) ?? []), count]);
    }
    return [...counts]
      .map(([path, each]) => ({ path, least: Math.min(...each), most: Math.max(...each) }))
      .filter(({ least, most }) => least < most);
  }

  /**
   * Finds scopes for those of a worker's servers of one path that have had no client yet: first for those that have
   * the same address as a server of another worker, then for the others, in the order in which they were made.
   * Whenever one is opened or closed, or an address becomes known, all of them are looked at again. For example,
   * the first server was taken for that of port 3000; then the second one turns out to have asked for port 3000,
   * and both have to change.
   */
  private match(worker: W, path: string): Assignment<W>[] {
    const open = [...(this.workers.get(worker)?.open.values() ?? [])];
    const free = open.filter((server) => server.path === path && !server.used);
    const former = free.map(({ scope }) => scope?.global);
    for (const server of free) this.leave(server);
    for (const server of free) {
      const { address } = server;
      const scope =
        address === undefined ? undefined : this.find(worker, path, (each) => isAt(each, address));
      if (scope) this.enter(server, scope);
    }
    for (const server of free) {
      if (!server.scope) this.enter(server, this.find(worker, path) ?? this.create(path));
    }
    this.forgetSome();
    return free
      .map(({ local, scope }, i) => ({ worker, local, global: scope!.global, former: former[i] }))
      .filter(({ global, former }) => global !== former);
  }

  /** The oldest scope of a path in which the worker has no server. */
  private find(
    worker: W,
    path: string,
    fits: (scope: Scope<W>) => boolean = () => true,
  ): Scope<W> | undefined {
    return this.byPath.get(path)?.find((scope) => !scope.servers.has(worker) && fits(scope));
  }

  private create(path: string): Scope<W> {
    const scope: Scope<W> = { global: ++this.lastGlobal, path, servers: new Map(), lastAddress: undefined };
    this.byGlobal.set(scope.global, scope);
    const scopes = this.byPath.get(path);
    if (scopes) scopes.push(scope);
    else this.byPath.set(path, [scope]);
    return scope;
  }

  private enter(server: OpenServer<W>, scope: Scope<W>): void {
    server.scope = scope;
    scope.servers.set(server.worker, server);
    this.deserted.delete(scope);
  }

  private leave(server: OpenServer<W>): void {
    const { scope, worker, address } = server;
    if (!scope) return;
    server.scope = undefined;
    scope.servers.delete(worker);
    if (scope.servers.size > 0) return;
    scope.lastAddress = address;
    this.deserted.add(scope);
  }

  private forgetSome(): void {
    for (const scope of this.deserted) {
      if (this.deserted.size <= MAX_DESERTED) return;
      this.deserted.delete(scope);
      this.byGlobal.delete(scope.global);
      const rest = this.byPath.get(scope.path)!.filter((each) => each !== scope);
      if (rest.length > 0) this.byPath.set(scope.path, rest);
      else this.byPath.delete(scope.path);
    }
  }

  private serverOf(worker: W, local: number): OpenServer<W> | undefined {
    return this.workers.get(worker)?.open.get(local);
  }
}

/** Whether a server of this scope has that address, or the last one had it. */
function isAt({ servers, lastAddress }: Scope<object>, address: string): boolean {
  if (servers.size === 0) return lastAddress === address;
  for (const server of servers.values()) if (server.address === address) return true;
  return false;
}
