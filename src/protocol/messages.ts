// SPDX-License-Identifier: MIT
import type { Seat } from "./session-id";

/**
 * The messages of the link between the primary and one worker.
 *
 * Life of a link: the worker sends `hello` over Node's IPC channel. The primary answers `welcome`, which names the
 * worker's seat and, where a pipe was inherited, its file descriptor; from then on both sides write frames to that pipe,
 * or to the IPC channel where there is none. Sockets always travel over the IPC channel (see `ipc.ts`).
 */

/** Version of this protocol. Both sides must speak the same. */
export const LINK_VERSION = 1;

/** Where a listener is opened. `path` (a Unix socket) wins over `port`. */
export interface ListenAddress {
  port?: number;
  host?: string;
  path?: string;
  backlog?: number;
}

/** A worker as its peers see it: who owns which session, and where to forward a request. */
export interface Peer {
  seat: Seat;
  /** The private address (a Unix socket or named pipe) of the worker's HTTP server. */
  address: string;
  /** Whether it takes new sessions and plain requests. */
  ready: boolean;
}

/** The public address as opened by the primary, in the form of `server.address()`. */
export type PublicAddress = { address: string; family: string; port: number } | string;

/** What a worker tells the primary. */
export type ToPrimary =
  /** The first message: which protocol the worker speaks. */
  | { type: "hello"; version: number }
  /** My HTTP server takes connections; `wants` is where the app asked to listen, if it did. */
  | { type: "ready"; address: string; wants?: ListenAddress }
  /** My HTTP server was closed by the app: hand me nothing more. */
  | { type: "closing" }
  /** I have the socket of handoff `seq`; the primary may let go of it. */
  | { type: "accepted"; seq: number }
  /** I cannot take the socket of handoff `seq`; give it to somebody else. */
  | { type: "refused"; seq: number }
  /** How much I carry at the moment. */
  | { type: "load"; sessions: number; connections: number; forwarded: number }
  /** A session id that does not name me is mine; answered by `claimed` so that no request can overtake it. */
  | { type: "claim"; seq: number; id: string }
  /** A claimed session id is not in use any more. */
  | { type: "unclaim"; id: string }
  /** Whose is this session id? Answered by `owner`. */
  | { type: "whose"; seq: number; id: string }
  /** An adapter was opened or closed; `uid` is its address for responses. */
  | { type: "adapter-open"; uid: string }
  | { type: "adapter-close"; uid: string }
  /** The drain is done: no session is left, nothing is in flight. */
  | { type: "drained" }
  /** An adapter message for all other workers of the app. */
  | { type: "publish"; payload: Uint8Array }
  /** An adapter message for the adapter `uid`. */
  | { type: "respond"; uid: string; payload: Uint8Array };

/** What the primary tells a worker. */
export type ToWorker =
  /** The answer to `hello`. `fd` is the inherited pipe to use for all further frames. */
  | { type: "welcome"; version: number; seat: Seat; fd?: number }
  /** The protocol versions differ; the worker goes on without a link. */
  | { type: "unwelcome"; version: number }
  /** The public address is open (`address`) or was tried in vain (`error`). */
  | { type: "listening"; address?: PublicAddress; error?: string }
  /** The workers of the app, this one included. Sent whenever it changes. */
  | { type: "peers"; peers: Peer[] }
  | { type: "claimed"; seq: number }
  | { type: "owner"; seq: number; seat?: Seat }
  /** Stop taking new work, end the sessions cleanly, then say `drained`. */
  | { type: "drain" }
  /** These adapters are gone: do not wait for their answers. */
  | { type: "gone"; uids: string[] }
  | { type: "publish"; payload: Uint8Array }
  | { type: "respond"; uid: string; payload: Uint8Array };

export type Message = ToPrimary | ToWorker;
