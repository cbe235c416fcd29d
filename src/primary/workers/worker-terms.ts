// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";
import type { AppOptions } from "../../config";
import type { Log } from "../../log";
import type { ListenAddress } from "../../protocol/messages";
import type { HandoverCounts } from "./handover-counts";

/** What whoever forks a worker (PM2, for example) knows about it. */
export interface WorkerTerms {
  /** What is the same for a process and for the one that replaces it, so that both get the same slot. */
  slotKey?: string;
  /**
   * Set if the worker is ready only when it has said so (PM2's `wait_ready`): after how many milliseconds, from its
   * first `listen` on, it is overdue.
   */
  readyWithinMs?: number;
  /** The user and group that the worker runs as, if they are not the primary's own. */
  owner?: { uid: number; gid: number };
  /** The worker's file descriptor of the pipe that was made for the link, if there is one. */
  pipeFd?: number;
  /** Which public address a server gets that asked for `wants`; see {@link AppOptions.listenOn}. */
  listenOn?: AppOptions["listenOn"];
}

/** What a worker handle needs of its app. */
export interface WorkerContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: AppOptions;
  readonly handoverCounts: HandoverCounts;
  /** What the offsets of the app's packets begin with. */
  readonly epoch: string;
  /** Whether the app's workers, as far as is known, never call `listen`. */
  readonly takesDefault: boolean;
}

/** One HTTP server of a worker. */
export interface ServedServer {
  /** Where the app asked to listen; `undefined` if it did not call `listen`. */
  wants: ListenAddress | undefined;
  /** Whether it is the worker's main server, which is the first one with Socket.IO. */
  isMain: boolean;
  /** The paths at which Socket.IO is attached. */
  readonly paths: Set<string>;
}
