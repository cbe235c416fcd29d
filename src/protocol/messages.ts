// SPDX-License-Identifier: MIT
import type { RoomKey } from "./room-key";
import type { Seat } from "./session-id";

/**
 * The messages of the link between the primary and one worker.
 *
 * Life of a link: the worker sends `hello` over Node's IPC channel. The primary answers `welcome`, which names the
 * worker's seat and, where a pipe was inherited, its file descriptor; from then on both sides write frames to that pipe,
 * or to the IPC channel where there is none. Sockets always travel over the IPC channel (see `ipc.ts`).
 */

/** Version of this protocol. Both sides must speak the same. */
export const LINK_VERSION = 2;

/**
 * Which Socket.IO server is meant. A process may have several of them, which are strangers to each other, and those of
 * different workers that belong together are called a scope. What a worker says carries the number that the worker itself
 * has given to its server, counting from 0 (`scope-open`). What the primary says, and what it relays, carries the number
 * that the primary has given to the scope, the same for all workers of the app (`scope`).
 */
export type ScopeNumber = number;

/** So many servers a process may have at a time that are scopes. The primary breaks with a worker that has more. */
export const MAX_SCOPES = 1000;

/** The path and the address of a server are told up to this length. */
export const MAX_SCOPE_TEXT = 1000;

/** Where a listener is opened, with the options of Node's `server.listen`. `path` (a Unix socket) wins over `port`. */
export interface ListenAddress {
  port?: number;
  host?: string;
  path?: string;
  backlog?: number;
  ipv6Only?: boolean;
  /** Of a Unix socket: whether everybody may read from it, and write to it. */
  readableAll?: boolean;
  writableAll?: boolean;
  /** Of port 0: which of the worker's servers that asked for any port this is; the n-th of each worker share one. */
  nth?: number;
}

/** The number of one HTTP server of a worker, by order of its first `listen`. */
export type ServerNumber = number;

/** A server of another worker. */
export interface PeerServer {
  /** The listener whose connections it gets; servers of other workers with the same one do the same work. */
  listener: number;
  /** Its private address: a Unix socket or named pipe. */
  address: string;
  /** Where Socket.IO answers, in front of what an Engine.IO request asks for. */
  paths: string[];
}

/** A worker as its peers see it: who owns which session, and where to forward a request. */
export interface Peer {
  seat: Seat;
  servers: PeerServer[];
  /** Whether it takes new sessions and plain requests. */
  ready: boolean;
}

/** The public address as opened by the primary, in the form of `server.address()`. */
export type PublicAddress = { address: string; family: string; port: number } | string;

/** A packet, encoded as its clients will get it. The primary reads at most its target, never the payload. */
export interface Cast {
  type: "cast";
  scope: ScopeNumber;
  /** May be dropped when a link is slow. */
  volatile: boolean;
  /**
   * Of a packet that is kept for clients that come back: when it was emitted, on the machine's monotonic clock, in
   * milliseconds.
   */
  time?: number;
  /** Its place among all packets of the app that are kept; the primary gives it. */
  order?: number;
  compress?: boolean;
  target: CastTarget;
  payload: Uint8Array;
}

export interface SessionState {
  scope: ScopeNumber;
  nsp: string;
  sid: string;
  /** Known to the client and the servers only. */
  pid: string;
  rooms: RoomKey[];
  /** `socket.data`, serialized, base64. */
  data: string;
}

/** Why a session could not be restored; for the debug log. */
export type NotRestored = "unknown" | "expired" | "evicted";

/** The answer to `restore`: the session and the packets its client has missed, in order, or why there is none. */
export interface Restored {
  type: "restored";
  seq: number;
  session?: SessionState;
  reason?: NotRestored;
  /** The place of the last packet before this answer. */
  order?: number;
  missed: { order: number; payload: Uint8Array }[];
}

/** What a worker needs to go on with a session: enough to replay its handshake. */
export interface MovedSession {
  /** Of the server that the session belongs to: nothing but another server of this scope may take it over. */
  scope: ScopeNumber;
  /** Engine.IO's session id. */
  sid: string;
  transport: "websocket" | "polling";
  /** The request that opened the session. */
  url: string;
  rawHeaders: string[];
  remoteAddress?: string;
  /** Encoded packets that wait for the next poll; binary ones in base64. */
  pending: { data: string; binary: boolean }[];
  namespaces: MovedSocket[];
}

/** A Socket.IO socket of the session. Its rooms and data are in the primary's store. */
export interface MovedSocket {
  nsp: string;
  pid: string;
  auth: Record<string, unknown>;
  /** The last packet that its client was sent. */
  order: number;
}

export interface CastTarget {
  nsp: string;
  /** Empty for all clients of the namespace. */
  rooms: RoomKey[];
  except: RoomKey[];
}

/**
 * What concerns recoverable sessions has a place among the packets: it says when it was said (`at`), on the machine's
 * monotonic clock, in milliseconds.
 */
export type AboutSession = { at: number; scope: ScopeNumber } & (
  | ({ type: "session-open" } & SessionState)
  /** What the session is at the moment, so that it outlives its worker. */
  | { type: "session-rooms"; nsp: string; sid: string; joined: RoomKey[]; left: RoomKey[] }
  | { type: "session-data"; nsp: string; sid: string; data: string }
  /** The session has lost its client, which may come back. */
  | { type: "session-lost"; nsp: string; sid: string; data: string }
  /** The session is over. */
  | { type: "session-over"; nsp: string; sid: string }
  /** The answer to `surrender`: whatever this worker had of the session has been told before. */
  | { type: "surrendered"; nsp: string; sid: string }
  /** A client came back with this private id and the last offset it knows; answered by `restored`. */
  | { type: "restore"; seq: number; nsp: string; pid: string; offset: string }
);

/** A message of one adapter for the adapters of the same namespace of all other workers. */
export interface Publish {
  type: "publish";
  scope: ScopeNumber;
  nsp: string;
  /** It makes sockets join these rooms: until a receiver has said `settled`, its worker may have members there. */
  joins?: RoomKey[];
  /** It is for workers with a member of these rooms only; without a room, for those with any client of the namespace. */
  asks?: RoomKey[];
  /** Who gets it is to be said (`asked`), because they are expected to answer. */
  seq?: number;
  payload: Uint8Array;
}

/** What has changed for the adapter `uid`: which adapters of the same namespace there are in other workers. */
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
   * This server takes connections, at the private address that its number stands for, and is to get those of the public
   * address `wants`, or of the app's default address if it asks for none. `main` says that it was the worker's first with
   * Socket.IO. Said again, it asks for another address than before. Answered by `listening`, as soon as that is open.
   */
  | { type: "serve"; server: ServerNumber; wants?: ListenAddress; main: boolean }
  /** Socket.IO answers at this path of the server. */
  | { type: "attached"; server: ServerNumber; path: string; main: boolean }
  /** The server was closed by the app: hand it nothing more. */
  | { type: "unserve"; server: ServerNumber }
  /** I have the socket of handoff `seq`; the primary may let go of it. */
  | { type: "accepted"; seq: number }
  /** I cannot take the socket of handoff `seq`; give it to somebody else. */
  | { type: "refused"; seq: number }
  /** How much I carry at the moment; `closed` sessions so far that could not go to another worker. */
  | { type: "load"; sessions: number; connections: number; forwarded: number; closed: number }
  /** A session id that does not name me is mine; answered by `claimed` so that no request can overtake it. */
  | { type: "claim"; seq: number; id: string }
  /** A claimed session id is not in use any more. */
  | { type: "unclaim"; id: string }
  /** Whose is this session id? Answered by `owner`. */
  | { type: "whose"; seq: number; id: string }
  /**
   * A Socket.IO server was made; said before anything else of it. Its number is one more than that of the server before it.
   * `path` is where its clients connect to, `address` where its HTTP server has asked to listen, if that is known. Answered
   * by `scope`, before anything of the scope is relayed to this worker.
   */
  | { type: "scope-open"; scope: ScopeNumber; path: string; address?: string }
  /** The HTTP server of this Socket.IO server has asked to listen there. */
  | { type: "scope-address"; scope: ScopeNumber; address: string }
  /** The Socket.IO server was closed; nothing more is said of it. */
  | { type: "scope-close"; scope: ScopeNumber }
  /**
   * The adapter of a namespace was opened or closed; `uid` is its address for responses. From then on it is told which
   * others there are (`adapters`). With connection state recovery, `recoverableMs` says how long its sessions can be
   * restored, and `pongMs` after how long a client that does not answer is lost.
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
   * This session is free to go on elsewhere; all that the primary was told of it before is final. The socket of a
   * WebSocket session comes over the IPC channel. Answered by `moved`.
   */
  | { type: "move"; session: MovedSession }
  /** The session is here now, or could not be taken over. */
  | { type: "adopted"; sid: string; ok: boolean }
  /** The drain is done: no session is left, nothing is in flight. */
  | { type: "drained" }
  /** A packet for the clients of other workers. */
  | Cast
  /** The first member of these rooms is here now, or the last one has left; `EVERYBODY` is one of them. */
  | { type: "interest"; scope: ScopeNumber; nsp: string; joined: RoomKey[]; left: RoomKey[] }
  | Publish
  /** What a `publish` with `joins` or a `restored` session asked for is done here, or will not be, and `interest` has been sent accordingly. */
  | { type: "settled"; scope: ScopeNumber; nsp: string; rooms: RoomKey[] }
  /** An adapter message for the adapter `uid`. */
  | { type: "respond"; uid: string; payload: Uint8Array };

/** What the primary tells a worker. */
export type ToWorker =
  /**
   * The answer to `hello`. `fd` is the inherited pipe to use for all further frames; `epoch` is what the offsets of
   * this primary begin with; frames of more than `maxFrameBytes` are refused. The worker's servers listen in `folder`,
   * which the primary has made for it; `takesDefault` says that the app's workers call no `listen`.
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
  /** The public address that the server asked for is open; the connections of that listener come from now on. */
  | { type: "listening"; server: ServerNumber; listener: number; address: PublicAddress }
  /** The workers of the app, this one included. Sent whenever it changes. */
  | { type: "peers"; peers: Peer[] }
  | { type: "claimed"; seq: number }
  | { type: "owner"; seq: number; seat?: Seat }
  /** Stop taking new work, give up the sessions, then say `drained`; all that takes at most `withinMs`. */
  | { type: "drain"; moves: boolean; ackTimeoutMs: number; withinMs: number }
  /** Give so many sessions to other workers. */
  | { type: "shed"; count: number; moves: boolean; ackTimeoutMs: number }
  /** The session's client came back elsewhere: close its connection here, then say `surrendered`. */
  | { type: "surrender"; scope: ScopeNumber; nsp: string; sid: string }
  | Restored
  /** Take over this long-polling session. A WebSocket session comes with its socket, over the IPC channel. */
  | { type: "adopt"; session: MovedSession }
  /** The session lives on that worker now; without `seat` it is lost. */
  | { type: "moved"; sid: string; seat?: Seat }
  /** The server that you call `scope` is one of the scope `global` of the app, and of no other one from now on. */
  | { type: "scope"; scope: ScopeNumber; global: ScopeNumber }
  /** Adapters of other workers came and went. Whoever went does not answer any more. */
  | { type: "adapters"; changes: PeerChange[] }
  | Cast
  /** The oldest of this worker's own casts that are not back yet has this place in the order; it is written now. */
  | { type: "kept"; order: number }
  | Publish
  /** The answer to a `publish` with a number: it goes to these adapters, and to no other. */
  | { type: "asked"; seq: number; uids: string[] }
  | { type: "respond"; uid: string; payload: Uint8Array };

export type Message = ToPrimary | ToWorker;

/** What a worker says of one of its Socket.IO servers. */
export type OfScope = Extract<ToPrimary, { scope: ScopeNumber }>;

/** What a worker asks the primary, and the message that answers it. Both carry the same number, `seq`. */
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
