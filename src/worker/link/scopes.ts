// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";
import { describe } from "../../errors";
import {
  type Answer,
  type Cast,
  MAX_SCOPE_TEXT,
  MAX_SCOPES,
  type OfScope,
  type Publish,
  type Question,
  type SessionState,
  type ToPrimary,
  type ToWorker,
} from "../../protocol/messages";
import type { EngineServer, SocketIoServer } from "../socket-io/objects";
import type { Questions, Unnumbered } from "./questions";

/** What the adapter of a namespace is told: only what is for that namespace of its own server. */
export interface Receiver {
  readonly uid: string;
  readonly nsp: string;
  /**
   * The adapter was added. Sooner or later it is told who else is there (`onPeers`), or that it is alone
   * (`onAlone`).
   */
  onAdded(): void;
  onCast(cast: Cast): void;
  onPublish(publish: Publish): void;
  onRespond(payload: Uint8Array): void;
  /** Adapters of this namespace in other workers came and went. */
  onPeers(came: readonly string[], went: readonly string[]): void;
  /** The client of this socket has come back on another worker: this worker is to close its connection. */
  onSurrender(sid: string): void;
  /**
   * A session that the adapter has asked for came after its deadline: its client has got a new session in the
   * meantime.
   */
  onLateSession(session: SessionState): void;
  /** The adapter will hear nothing of the other workers any more. */
  onAlone(): void;
}

/** The messages for adapters, and the one that tells of which scope a server is. */
export type ForAdapter = Extract<
  ToWorker,
  { type: "cast" | "publish" | "respond" | "surrender" | "restored" | "adapters" | "scope" }
>;

/**
 * What the primary is told of an adapter besides its name; `adapter-open` in `messages.ts` says what it
 * means.
 */
export interface AdapterTerms {
  recoverableMs: number | undefined;
  pongMs: number;
}

/** A message about a scope, before the number of the scope was put in. */
type Unscoped<M> = M extends OfScope ? Omit<M, "scope"> : never;
type ScopedQuestion = Extract<Question, OfScope>["type"];

/** What this file needs of the link. */
export interface Sender {
  readonly clock: Clock;
  /** Whether nothing comes from the primary. */
  readonly isDown: boolean;
  send(message: ToPrimary, name?: string): boolean;
  sendNow(message: ToPrimary, name?: string): boolean;
}

/**
 * One Socket.IO server of this process, as far as other processes are concerned. With the servers of other
 * workers that belong to it, it makes up a scope.
 *
 *     made (nothing was said of it) ──introduced──▶ open ──its last adapter is closed──▶ closed
 *      ▲ └──there are too many──▶ alone (it reaches the clients of this process only)──────▲ │
 *      └──────────────────────────────the app uses the server again──────────────────────────┘
 *
 * It is introduced to the primary one turn of the event loop after its first adapter was made, or right
 * before the first message about it. Until then the app can still change its path, or let its HTTP server
 * listen.
 */
export class WorkerScope {
  private state: "made" | "open" | "alone" | "closed" = "closed";
  /** The number of the server in this process, while it is open. */
  number = -1;
  /** The number of the scope for all processes, once the primary has told it. */
  global: number | undefined;
  /** Whether its sessions can be restored on other workers. */
  recovers = false;
  private readonly receivers = new Map<string, { receiver: Receiver; terms: AdapterTerms }>();

  constructor(
    readonly server: SocketIoServer,
    private readonly link: Sender,
    private readonly questions: Questions,
    private readonly scopes: Scopes,
  ) {}

  get clock(): Clock {
    return this.link.clock;
  }

  get isClosed(): boolean {
    return this.state === "closed";
  }

  /**
   * The adapter of a namespace was made. It takes the place of an earlier one of the same namespace, if there
   * is one.
   */
  add(receiver: Receiver, terms: AdapterTerms): void {
    const former = this.receiverOf(receiver.nsp);
    this.receivers.set(receiver.nsp, { receiver, terms });
    if (terms.recoverableMs !== undefined) this.recovers = true;
    receiver.onAdded();
    if (this.state === "open") this.introduceAdapter(receiver, terms);
    else if (this.state === "alone") receiver.onAlone();
    else if (this.state === "closed") {
      this.state = "made";
      this.scopes.wasMade(this);
      this.clock.nextTurn(() => this.introduce());
    }
    if (former && former !== receiver) this.dismiss(former);
  }

  /**
   * The namespace of an adapter has a client. If the adapter was closed before, the app uses its server once
   * more.
   */
  use(receiver: Receiver, terms: AdapterTerms): void {
    if (!this.receivers.has(receiver.nsp)) this.add(receiver, terms);
  }

  /** The adapter of a namespace was closed. */
  remove(receiver: Receiver): void {
    this.dismiss(receiver);
    if (this.receiverOf(receiver.nsp) !== receiver) return;
    this.receivers.delete(receiver.nsp);
    if (this.receivers.size > 0) return;
    if (this.state === "open") this.link.send({ type: "scope-close", scope: this.number });
    this.state = "closed";
    this.scopes.wasClosed(this);
    this.number = -1;
    this.global = undefined;
  }

  /** The adapter hears of nobody any more, and the primary is told that it is closed. */
  private dismiss(receiver: Receiver): void {
    const wasIntroduced = this.scopes.forget(receiver);
    receiver.onAlone();
    if (wasIntroduced) this.link.send({ type: "adapter-close", uid: receiver.uid });
  }

  receiverOf(nsp: string): Receiver | undefined {
    return this.receivers.get(nsp)?.receiver;
  }

  /** See `send` of the link. */
  send(message: Unscoped<OfScope>, name?: string): boolean {
    return this.introduce() && this.link.send({ ...message, scope: this.number } as OfScope, name);
  }

  /** See `sendNow` of the link. */
  sendNow(message: Unscoped<OfScope>, name?: string): boolean {
    return this.introduce() && this.link.sendNow({ ...message, scope: this.number } as OfScope, name);
  }

  /** See `ask` of the link. */
  async ask<Q extends ScopedQuestion, R>(
    question: Omit<Unnumbered<Q>, "scope"> & { type: Q },
    deadlineMs: number,
    take: (answer: Answer<Q> | undefined) => R | Promise<R>,
    name?: string,
  ): Promise<R> {
    if (!this.introduce()) return take(undefined);
    const scoped = { ...question, scope: this.number } as unknown as Unnumbered<Q>;
    return this.questions.ask<Q, R>(scoped, deadlineMs, take, name);
  }

  /**
   * Tells the primary of this server, unless it knows it. Returns false if the server is not open to other
   * processes.
   */
  introduce(): boolean {
    if (this.state === "made") this.scopes.introduceUpTo(this);
    return this.state === "open";
  }

  /**
   * Tells the primary of this server, under this number. Must be called in the order in which the servers
   * were made: where two servers have one path, the primary takes the first of each worker for one scope, the
   * second for another.
   */
  introduceAs(number: number, address: string | undefined): void {
    this.state = "open";
    this.number = number;
    const path = String(this.server.path?.() ?? "").slice(0, MAX_SCOPE_TEXT);
    this.link.send({ type: "scope-open", scope: number, path, address });
    for (const { receiver, terms } of this.receivers.values()) this.introduceAdapter(receiver, terms);
  }

  /** There are too many servers: this one reaches the clients of this process only. */
  keepAlone(): void {
    this.state = "alone";
    for (const { receiver } of this.receivers.values()) receiver.onAlone();
  }

  private introduceAdapter(receiver: Receiver, terms: AdapterTerms): void {
    this.scopes.remember(receiver);
    const { uid, nsp } = receiver;
    this.link.send({ type: "adapter-open", scope: this.number, nsp, uid, ...terms });
    if (this.link.isDown) receiver.onAlone();
  }
}

/**
 * The Socket.IO servers of this process, and for each message that comes over the link the adapter that it is
 * for. No other adapter is asked: with a thousand namespaces that would be most of the work.
 */
export class Scopes {
  private readonly byServer = new WeakMap<SocketIoServer, WorkerScope>();
  private readonly addresses = new WeakMap<SocketIoServer, string>();
  /** Servers that the primary has not been told of, in the order in which they were made. */
  private readonly made = new Set<WorkerScope>();
  private readonly open = new Map<number, WorkerScope>();
  private readonly byGlobal = new Map<number, WorkerScope>();
  private readonly byUid = new Map<string, Receiver>();
  private nextNumber = 0;
  private tooMany = false;

  constructor(
    private readonly link: Sender,
    private readonly questions: Questions,
  ) {}

  of(server: SocketIoServer): WorkerScope {
    const scope = this.byServer.get(server) ?? new WorkerScope(server, this.link, this.questions, this);
    this.byServer.set(server, scope);
    return scope;
  }

  /**
   * Where the server's HTTP server has asked to listen, as a text that is the same in all workers that ask
   * for it.
   */
  setAddress(server: SocketIoServer, text: string): void {
    const address = text.slice(0, MAX_SCOPE_TEXT);
    if (this.addresses.get(server) === address) return;
    this.addresses.set(server, address);
    const scope = this.byServer.get(server);
    if (scope && this.open.get(scope.number) === scope) {
      this.link.send({ type: "scope-address", scope: scope.number, address });
    }
  }

  /** The number of a server in this process; `undefined` if the server is not open to other processes. */
  numberOf(server: SocketIoServer): number | undefined {
    const scope = this.byServer.get(server);
    return scope?.introduce() ? scope.number : undefined;
  }

  /** Whether this server is the one that belongs to a scope. */
  isOf(server: SocketIoServer, global: number): boolean {
    return this.byGlobal.get(global)?.server === server;
  }

  /**
   * Whether sessions of this engine can be restored on other workers. If the engine is not known, whether
   * those of any server can.
   */
  mayRecover(engine: EngineServer | undefined): boolean {
    const all = [...this.made, ...this.open.values()];
    const owner = all.find(({ server }) => engine !== undefined && server.engine === engine);
    return owner ? owner.recovers : all.some(({ recovers }) => recovers);
  }

  /**
   * Gives a message to the adapter that it is for. Returns false if the message is of a kind that is for no
   * adapter.
   */
  take(message: ToWorker): boolean {
    switch (message.type) {
      case "cast":
        this.at(message.scope, message.target.nsp)?.onCast(message);
        return true;
      case "publish":
        this.publish(message);
        return true;
      case "respond":
        this.byUid.get(message.uid)?.onRespond(message.payload);
        return true;
      case "surrender":
        this.at(message.scope, message.nsp)?.onSurrender(message.sid);
        return true;
      case "restored":
        if (message.session) this.late(message.session);
        return true;
      case "adapters":
        for (const { uid, came, went } of message.changes) this.byUid.get(uid)?.onPeers(came, went);
        return true;
      case "scope":
        this.name(message.scope, message.global);
        return true;
      default:
        return false;
    }
  }

  /** Tells the primary of all servers that it does not know yet. */
  introduceAll(): void {
    for (const scope of [...this.made]) scope.introduce();
  }

  /** The link has ended: no adapter hears of other workers any more. */
  giveUp(): void {
    this.introduceAll();
    for (const receiver of [...this.byUid.values()]) receiver.onAlone();
  }

  /** Introduces a server, and before it those that were made earlier. */
  introduceUpTo(scope: WorkerScope): void {
    for (const each of [...this.made]) {
      this.made.delete(each);
      if (this.open.size >= MAX_SCOPES) {
        this.reportTooMany();
        each.keepAlone();
      } else {
        const number = this.nextNumber++;
        this.open.set(number, each);
        each.introduceAs(number, this.addresses.get(each.server));
      }
      if (each === scope) return;
    }
  }

  private reportTooMany(): void {
    if (!this.tooMany) console.error(describe("STICKY_TOO_MANY_SERVERS", MAX_SCOPES));
    this.tooMany = true;
  }

  /** The primary was told of an adapter. */
  remember(receiver: Receiver): void {
    this.byUid.set(receiver.uid, receiver);
  }

  /** Forgets an adapter. Returns whether the primary had been told of it. */
  forget(receiver: Receiver): boolean {
    return this.byUid.delete(receiver.uid);
  }

  wasMade(scope: WorkerScope): void {
    this.made.add(scope);
  }

  wasClosed(scope: WorkerScope): void {
    this.made.delete(scope);
    this.open.delete(scope.number);
    if (scope.global !== undefined && this.byGlobal.get(scope.global) === scope) {
      this.byGlobal.delete(scope.global);
    }
  }

  private at(global: number, nsp: string): Receiver | undefined {
    return this.byGlobal.get(global)?.receiverOf(nsp);
  }

  private publish(message: Publish): void {
    const { scope, nsp, joins } = message;
    const receiver = this.at(scope, nsp);
    if (receiver) receiver.onPublish(message);
    // The namespace was closed while the message was on its way. No socket joins then, but the primary waits
    // to hear that.
    else if (joins) this.byGlobal.get(scope)?.send({ type: "settled", nsp, rooms: joins });
  }

  private late(session: SessionState): void {
    this.at(session.scope, session.nsp)?.onLateSession(session);
  }

  /** The primary has told of which scope a server is. */
  private name(number: number, global: number): void {
    const scope = this.open.get(number);
    if (!scope) return;
    if (scope.global !== undefined && this.byGlobal.get(scope.global) === scope) {
      this.byGlobal.delete(scope.global);
    }
    scope.global = global;
    this.byGlobal.set(global, scope);
  }
}
