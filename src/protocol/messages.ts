// SPDX-License-Identifier: MIT
import type { RoomKey } from "./room-key";
import type { Seat } from "./session-id";

/**
 * The messages of the link between the primary and one worker.
 *
 * Life of a link: the worker sends `hello` over Node's IPC channel. The primary answers `welcome`, which names the
 * worker's seat and, if the worker has inherited a pipe for the link, the pipe's file descriptor. From then on both
 * sides write their frames to that pipe, or to the IPC channel if there is no pipe. Sockets always travel over the IPC
 * channel (see `ipc.ts`).
 */

/** The version of this protocol. A worker whose version differs from the primary's goes on without a link. */
export const LINK_VERSION = 2;

/**
 * Which Socket.IO server is meant. A process may have several Socket.IO servers, which are strangers to each other;
 * the servers of different workers that belong together are called a scope. A message from a worker carries the number
 * that the worker itself has given to its server, counting from 0 (`scope-open`). A message from the primary, and what
 * the primary relays, carries the number that the primary has given to the scope. That number is the same for all
 * workers of the app (`scope`).
 */
export type ScopeNumber = number;

/**
 * How many Socket.IO servers a worker may have open at a time, as far as the primary is told of them. A worker that
 * tells of more has broken the protocol: the primary closes its link and kills it.
 */
export const MAX_SCOPES = 1000;

/** How many characters the path and the address of a Socket.IO server may have in `scope-open` and `scope-address`. */
export const MAX_SCOPE_TEXT = 1000;

/**
 * Where a listener is opened. The options are those of Node's `server.listen`, with the same defaults. If there is a
 * `path` (of a Unix socket), `port` and `host` do not count.
 */
export interface ListenAddress {
  port?: number;
  host?: string;
  path?: string;
  backlog?: number;
  ipv6Only?: boolean;
  /** For a Unix socket: whether all users of the machine may read from it, and write to it. */
  readableAll?: boolean;
  writableAll?: boolean;
  /**
   * For port 0, which means "any free port": which of the worker's servers with port 0 this is. The n-th such server of
   * each worker share one port.
   */
  nth?: number;
}

/** The number that a worker gives to one of its HTTP servers, in the order in which they first called `listen`. */
export type ServerNumber = number;

/** An HTTP server of another worker. */
export interface PeerServer {
  /**
   * The listener whose connections it gets. Servers of several workers that have the same listener do the same work, so
   * a request for one of them may be forwarded to another.
   */
  listener: number;
  /** Its private address: a Unix socket, or a named pipe on Windows. */
  address: string;
  /**
   * The paths at which it has Socket.IO. An Engine.IO request is for it if the request's path begins with one of them.
   */
  paths: string[];
}

/**
 * A worker as its peers see it. By the seat they know which sessions are that worker's; by the servers they know
 * where to forward a request.
 */
export interface Peer {
  seat: Seat;
  servers: PeerServer[];
  /** Whether it takes new sessions, and requests that belong to no session. */
  ready: boolean;
}

/** A public address as the primary has opened it, in the form in which Node's `server.address()` returns it. */
export type PublicAddress = { address: string; family: string; port: number } | string;

/** A packet for clients, encoded as they will get it. The primary reads its target, never its payload. */
export interface Cast {
  type: "cast";
  scope: ScopeNumber;
  /** Whether it may be dropped when the link to a worker is slow. */
  volatile: boolean;
  /**
   * Set if the packet is to be kept for clients that come back: when it was emitted, in milliseconds on the
   * machine's monotonic clock.
   */
  time?: number;
  /** The place of a packet that is kept among all such packets of the app. The primary fills it in. */
  order?: number;
  compress?: boolean;
  target: CastTarget;
  payload: Uint8Array;
}

export interface SessionState {
  scope: ScopeNumber;
  nsp: string;
  sid: string;
  /** The private session id, by which the client proves that the session is its own. Other clients never learn it. */
  pid: string;
  rooms: RoomKey[];
  /** `socket.data`, serialized, base64. */
  data: string;
}

/**
 * Why a session could not be restored, for the debug log: there is none of this id, it was lost too long ago, or it, or
 * what its client has missed, is not kept any more because of its size.
 */
export type NotRestored = "unknown" | "expired" | "evicted";

/** The answer to `restore`: either the session, with the packets that its client has missed, in order; or a reason. */
export interface Restored {
  type: "restored";
  seq: number;
  session?: SessionState;
  reason?: NotRestored;
  /** The place of the last packet that this answer takes into account. What follows on the link comes after it. */
  order?: number;
  missed: { order: number; payload: Uint8Array }[];
}

/**
 * What another worker needs to go on with a live session: enough to replay the session's handshake against
 * its own Socket.IO server.
 */
export interface MovedSession {
  /** The scope of the server that the session belongs to. Only a server of the same scope may take it over. */
  scope: ScopeNumber;
  /**
   * The listener to whose address the client is connected. A Socket.IO server that is attached to several HTTP servers has an
   * engine at each of them, and the client's requests will come to this one.
   */
  listener?: number;
  /** Engine.IO's session id. */
  sid: string;
  transport: "websocket" | "polling";
  /** The request that opened the session. */
  url: string;
  rawHeaders: string[];
  remoteAddress?: string;
  /** Encoded packets that wait for the client's next poll. The data of a binary one is base64. */
  pending: { data: string; binary: boolean }[];
  namespaces: MovedSocket[];
}

/** A Socket.IO socket of a session that moves. The primary keeps its rooms and data already, so they do not travel. */
export interface MovedSocket {
  nsp: string;
  pid: string;
  auth: Record<string, unknown>;
  /** The place of the last packet that its client was sent. */
  order: number;
}

export interface CastTarget {
  nsp: string;
  /** Empty for all clients of the namespace. */
  rooms: RoomKey[];
  except: RoomKey[];
}

/**
 * What a worker tells about sessions that can be recovered. Each message says when the worker said it (`at`, in
 * milliseconds on the machine's monotonic clock), because the primary puts it in order with the packets of all workers.
 * Whether a session that joins a room has missed a certain packet depends on which of the two came first.
 */
export type AboutSession = { at: number; scope: ScopeNumber } & (
  | ({ type: "session-open" } & SessionState)
  /** The session's rooms, or its data, have changed. The primary keeps them so that they outlive the worker. */
  | { type: "session-rooms"; nsp: string; sid: string; joined: RoomKey[]; left: RoomKey[] }
  | { type: "session-data"; nsp: string; sid: string; data: string }
  /** The session has lost its client, which may come back; `data` is what `socket.data` was then. */
  | { type: "session-lost"; nsp: string; sid: string; data: string }
  /** The session is over: its client cannot come back to it. */
  | { type: "session-over"; nsp: string; sid: string }
  /** The answer to `surrender`: this worker has told everything it had to tell about the session before. */
  | { type: "surrendered"; nsp: string; sid: string }
  /**
   * A client came back with this private id, and with the offset of the last packet it received.
   * Answered by `restored`.
   */
  | { type: "restore"; seq: number; nsp: string; pid: string; offset: string }
);

/** A message of one adapter for the adapters that the other workers have for the same namespace. */
export interface Publish {
  type: "publish";
  scope: ScopeNumber;
  nsp: string;
  /**
   * The message makes sockets join these rooms. Until a receiver has said `settled`, the primary treats its worker as
   * one with members there: otherwise a packet that is sent to such a room right after could miss them.
   */
  joins?: RoomKey[];
  /**
   * Set if the message is only for workers that have a member of one of these rooms; an empty list means any
   * client of the namespace.
   */
  asks?: RoomKey[];
  /** Set if the receivers are expected to answer. The primary then tells the sender who they are (`asked`). */
  seq?: number;
  payload: Uint8Array;
}

/**
 * What the adapter `uid` has to know: which adapters of its namespace in other workers have come, and which have gone.
 */
export interface PeerChange {
  uid: string;
  came: string[];
  went: string[];
}

/** What a worker tells the primary. */
export type ToPrimary =
  /** The first message: which protocol the worker speaks. */
  | { type: "hello"; version: number }
  /**
   * This HTTP server listens at the private address that its number stands for, and asks for the connections of the
   * public address `wants`, or of the app's default address if `wants` is absent. `main` says that it is the worker's
   * first server with Socket.IO. If it is said again for the same server, that asks for another address than before.
   * Answered by `listening`, as soon as the public address is open.
   */
  | { type: "serve"; server: ServerNumber; wants?: ListenAddress; main: boolean }
  /** Socket.IO was attached to the server at this path. `main`: as in `serve`. */
  | { type: "attached"; server: ServerNumber; path: string; main: boolean }
  /** The app has closed this server: do not hand it any more connections. */
  | { type: "unserve"; server: ServerNumber }
  /** I have the socket of handoff `seq`, so the primary may close its own handle. */
  | { type: "accepted"; seq: number }
  /** I cannot take the socket of handoff `seq`; give it to somebody else. */
  | { type: "refused"; seq: number }
  /**
   * How many sessions and connections I have at the moment, how many requests I have forwarded to other workers so far,
   * and how many sessions I have closed so far because they could not move to another worker.
   */
  | { type: "load"; sessions: number; connections: number; forwarded: number; closed: number }
  /**
   * A session is mine although its id does not name me, as when the app generates its own ids. Answered by `claimed`: I
   * wait for that before the id leaves this process, so that no request with it can reach the primary first.
   */
  | { type: "claim"; seq: number; id: string }
  /** A claimed session id is not in use any more. */
  | { type: "unclaim"; id: string }
  /** Which worker has the session with this id? Answered by `owner`. */
  | { type: "whose"; seq: number; id: string }
  /**
   * The app has made a Socket.IO server. This is said before anything else is said of it. Its number is one more than
   * that of the server before. `path` is the path that its clients connect to; `address` is where its HTTP server has
   * asked to listen, if that is known. Answered by `scope`, before anything of the scope is relayed to this worker.
   */
  | { type: "scope-open"; scope: ScopeNumber; path: string; address?: string }
  /** The HTTP server of this Socket.IO server has asked to listen there. */
  | { type: "scope-address"; scope: ScopeNumber; address: string }
  /** The Socket.IO server was closed; nothing more is said of it. */
  | { type: "scope-close"; scope: ScopeNumber }
  /**
   * The adapter of a namespace was opened. `uid` is its address for responses (`respond`). From then on the worker is
   * told which adapters of this namespace the others have (`adapters`). With connection state recovery,
   * `recoverableMs` says for how long its sessions can be restored, and `pongMs` after how long a client that answers
   * no ping is taken for lost.
   */
  | {
      type: "adapter-open";
      scope: ScopeNumber;
      nsp: string;
      uid: string;
      recoverableMs?: number;
      pongMs?: number;
    }
  | { type: "adapter-close"; uid: string }
  | AboutSession
  /**
   * This worker has given up a live session, so that another one can go on with it. What the primary was told of the
   * session before is final. The socket of a WebSocket session comes over the IPC channel, before or after this
   * message. Answered by `moved`.
   */
  | { type: "move"; session: MovedSession }
  /** This worker has taken over a session that moves (`ok`), or could not. */
  | { type: "adopted"; sid: string; ok: boolean }
  /** The drain is done: this worker has no session, connection or request left. */
  | { type: "drained" }
  /** A packet for the clients of other workers. */
  | Cast
  /**
   * The rooms that have got their first member in this worker, and those that have lost their last one. The room
   * `EVERYBODY` stands for the namespace as a whole.
   */
  | { type: "interest"; scope: ScopeNumber; nsp: string; joined: RoomKey[]; left: RoomKey[] }
  | Publish
  /**
   * A `publish` with `joins`, or a `restored` session, was to make sockets join these rooms here. That is done, or will
   * not be done, and `interest` has told the result.
   */
  | { type: "settled"; scope: ScopeNumber; nsp: string; rooms: RoomKey[] }
  /** A message for the adapter `uid` alone, in answer to a `publish`. */
  | { type: "respond"; uid: string; payload: Uint8Array };

/** What the primary tells a worker. */
export type ToWorker =
  /**
   * The answer to `hello`. `fd` is the inherited pipe to which all further frames are written, if there is one. `epoch`
   * is what the offsets of this primary begin with. The primary refuses frames of more than `maxFrameBytes`. The
   * private addresses of the worker's servers are in `folder`, which the primary has made for it. `takesDefault` says
   * that, as far as is known, the app's workers never call `listen`, so that they want the default address.
   */
  | {
      type: "welcome";
      version: number;
      seat: Seat;
      fd?: number;
      epoch: string;
      maxFrameBytes: number;
      folder: string;
      takesDefault: boolean;
    }
  /** The protocol versions differ; the worker goes on without a link. */
  | { type: "unwelcome"; version: number }
  /** The public address that the server asked for is open. From now on the server gets connections of this listener. */
  | { type: "listening"; server: ServerNumber; listener: number; address: PublicAddress }
  /** All workers of the app that have a server, the receiver included. Sent again whenever something of it changes. */
  | { type: "peers"; peers: Peer[] }
  | { type: "claimed"; seq: number }
  | { type: "owner"; seq: number; seat?: Seat }
  /**
   * Take no new work, give up all sessions, then say `drained`. You have `withinMs` for all of it. `moves` says whether
   * sessions may move to other workers, `ackTimeoutMs` how long one may wait for open acknowledgements before.
   */
  | { type: "drain"; moves: boolean; ackTimeoutMs: number; withinMs: number }
  /** Give this many sessions to other workers, and go on with the others. */
  | { type: "shed"; count: number; moves: boolean; ackTimeoutMs: number }
  /**
   * The session's client has come back over another connection, to you or to another worker: close its former
   * connection here, then say `surrendered`.
   */
  | { type: "surrender"; scope: ScopeNumber; nsp: string; sid: string }
  | Restored
  /**
   * Take over this session, which has no connection of its own (long polling). Others come as a handoff, see `ipc.ts`.
   */
  | { type: "adopt"; session: MovedSession }
  /** The session that you gave up lives on the worker with this seat now; without `seat` it is lost. */
  | { type: "moved"; sid: string; seat?: Seat }
  /** Your server with the number `scope` belongs from now on to the scope that is called `global` in the whole app. */
  | { type: "scope"; scope: ScopeNumber; global: ScopeNumber }
  /** Adapters of other workers have come or gone. An adapter that is gone answers no questions any more. */
  | { type: "adapters"; changes: PeerChange[] }
  | Cast
  /**
   * Of your own casts that are to be kept, the oldest that you have not heard of yet has got this place in the order.
   * You can write it to your own clients now.
   */
  | { type: "kept"; order: number }
  | Publish
  /** The answer to a `publish` with a `seq`: these adapters, and no others, get it and may answer. */
  | { type: "asked"; seq: number; uids: string[] }
  | { type: "respond"; uid: string; payload: Uint8Array };

export type Message = ToPrimary | ToWorker;

/** What a worker says about one of its Socket.IO servers. */
export type OfScope = Extract<ToPrimary, { scope: ScopeNumber }>;

/**
 * Which message of the primary answers which question of a worker. Question and answer carry the same number, `seq`.
 */
interface AnswerTo {
  claim: "claimed";
  whose: "owner";
  restore: "restored";
  publish: "asked";
}

/** The types of the messages that answer a question. */
export const ANSWERS: ReadonlySet<string> = new Set<AnswerTo[keyof AnswerTo]>([
  "claimed",
  "owner",
  "restored",
  "asked",
]);

export type Question = Extract<ToPrimary, { type: keyof AnswerTo }>;
export type Answer<Q extends keyof AnswerTo = keyof AnswerTo> = Extract<ToWorker, { type: AnswerTo[Q] }>;
