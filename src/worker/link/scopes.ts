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

/** What the adapter of a namespace hears: only what is for that namespace of its own server. */
export interface Receiver {
  readonly uid: string;
  readonly nsp: string;
  /** The primary will say who else is there (`onPeers`), or nobody will (`onAlone`). */
  onAdded(): void;
  onCast(cast: Cast): void;
  onPublish(publish: Publish): void;
  onRespond(payload: Uint8Array): void;
  /** Adapters of this namespace in other workers came and went. */
  onPeers(came: readonly string[], went: readonly string[]): void;
  /** The client of this socket is back elsewhere. */
  onSurrender(sid: string): void;
  /** A session that was asked for has come after all, when nobody waits for it any more. */
  onLateSession(session: SessionState): void;
  /** Nothing more is heard of the other workers. */
  onAlone(): void;
}

/** The messages that adapters hear, and that of the scope by which they are found. */
export type ForAdapter = Extract<
  ToWorker,
  { type: "cast" | "publish" | "respond" | "surrender" | "restored" | "adapters" | "scope" }
>;

/** What the primary is told of an adapter besides its name; see `adapter-open`. */
export interface AdapterTerms {
  recoverableMs: number | undefined;
  pongMs: number;
}

/** A message about a scope, without the number of the scope. */
type Unscoped<M> = M extends OfScope ? Omit<M, "scope"> : never;
type ScopedQuestion = Extract<Question, OfScope>["type"];

/** What is needed of the link. */
export interface Sender {
  readonly clock: Clock;
  /** Nothing comes from the primary. */
  readonly isDown: boolean;
  send(message: ToPrimary, name?: string): boolean;
  sendNow(message: ToPrimary, name?: string): boolean;
}

/**
 * One Socket.IO server of this process, as far as other processes are concerned: it is known to them as a scope.
 *
 *     made (nothing was said of it) ──introduced──▶ open ──its last adapter is closed──▶ closed
 *      ▲ └──there are too many──▶ alone (it reaches the clients of this process only)──────▲ │
 *      └──────────────────────────────the app uses the server again──────────────────────────┘
 *
 * It is introduced to the primary one turn of the event loop after its first adapter was made, or right before the first
 * message about it. Until then the app can still change its path, or let its HTTP server listen.
 */
export class WorkerScope {
  private state: "made" | "open" | "alone" | "closed" = "closed";
  /** What this process calls it while it is open. */
  number = -1;
  /** What all processes call it, once the primary has said so. */
  global: number | undefined;
  /** Whether its sessions can be restored elsewhere. */
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

  /** The adapter of a namespace was made. It takes the place of a former one of the same namespace. */
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

  /** The namespace of an adapter has a client: after it was closed, the app goes on to use it. */
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

  /** Nobody hears of this adapter any more, nor it of anybody. */
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

  /** Tells the primary of this server, unless it knows. Returns false if the server is closed. */
  introduce(): boolean {
    if (this.state === "made") this.scopes.introduceUpTo(this);
    return this.state === "open";
  }

  /** To be called in the order in which servers were made: the primary goes by that order. */
  introduceAs(number: number, address: string | undefined): void {
    this.state = "open";
    this.number = number;
    const path = String(this.server.path?.() ?? "").slice(0, MAX_SCOPE_TEXT);
    this.link.send({ type: "scope-open", scope: number, path, address });
    for (const { receiver, terms } of this.receivers.values()) this.introduceAdapter(receiver, terms);
  }

  /** Nobody else is to know of this server. */
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
 * The Socket.IO servers of this process, and which adapter what comes over the link is for. Whatever is for one namespace
 * is given to its adapter alone: with a thousand namespaces the others are not even asked.
 */
export class Scopes {
  private readonly byServer = new WeakMap<SocketIoServer, WorkerScope>();
  private readonly addresses = new WeakMap<SocketIoServer, string>();
  /** Servers of which the primary has not been told, in the order in which they were made. */
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

  /** What the server's HTTP server has asked to listen on, as a text that is the same in all workers that ask for it. */
  setAddress(server: SocketIoServer, text: string): void {
    const address = text.slice(0, MAX_SCOPE_TEXT);
    if (this.addresses.get(server) === address) return;
    this.addresses.set(server, address);
    const scope = this.byServer.get(server);
    if (scope && this.open.get(scope.number) === scope) {
      this.link.send({ type: "scope-address", scope: scope.number, address });
    }
  }

  /** What this process calls the scope of a server; `undefined` if the server is closed. */
  numberOf(server: SocketIoServer): number | undefined {
    const scope = this.byServer.get(server);
    return scope?.introduce() ? scope.number : undefined;
  }

  /** Whether the server is the one of this process that belongs to a scope. */
  isOf(server: SocketIoServer, global: number): boolean {
    return this.byGlobal.get(global)?.server === server;
  }

  /** Whether sessions of this engine can be restored elsewhere. Of one that is not known, whether any of this process can. */
  mayRecover(engine: EngineServer | undefined): boolean {
    const all = [...this.made, ...this.open.values()];
    const owner = all.find(({ server }) => engine !== undefined && server.engine === engine);
    return owner ? owner.recovers : all.some(({ recovers }) => recovers);
  }

  /** Gives a message to the adapter that it is for. Returns false if the message is of another kind. */
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

  /** Tells the primary of all servers now. */
  introduceAll(): void {
    for (const scope of [...this.made]) scope.introduce();
  }

  /** The link has ended. */
  giveUp(): void {
    this.introduceAll();
    for (const receiver of [...this.byUid.values()]) receiver.onAlone();
  }

  /** Introduces a server, after those that were made before it. */
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

  /** The primary knows of an adapter. */
  remember(receiver: Receiver): void {
    this.byUid.set(receiver.uid, receiver);
  }

  /** Returns whether the primary knew of the adapter. */
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
    // Its namespace was closed while the message was on its way: no socket joins, but the primary waits to hear that.
    else if (joins) this.byGlobal.get(scope)?.send({ type: "settled", nsp, rooms: joins });
  }

  private late(session: SessionState): void {
    this.at(session.scope, session.nsp)?.onLateSession(session);
  }

  /** The primary has said which scope a server is of. */
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
