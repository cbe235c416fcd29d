// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";
import type { AppOptions } from "../../config";
import type { Log } from "../../log";
import type { ListenAddress } from "../../protocol/messages";
import type { HandoverCounts } from "./handover-counts";

/** What the primary's manager of processes knows of a worker when it is forked. */
export interface WorkerTerms {
  /** What stays the same when a process is replaced; the new process gets the same slot. */
  slotKey?: string;
  /** Set if the worker is not ready before it has said so; after this time it is overdue (PM2's `wait_ready`). */
  readyWithinMs?: number;
  /** The user and group that the worker runs as, if they are not the primary's own. */
  owner?: { uid: number; gid: number };
  /** The file descriptor of a pipe that was made for the link, if there is one. */
  pipeFd?: number;
  /** Where the connections of a server come from that asked for `wants`; see {@link AppOptions}. */
  listenOn?: AppOptions["listenOn"];
}

/** What a worker handle needs of its app for itself. */
export interface WorkerContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: AppOptions;
  readonly handoverCounts: HandoverCounts;
  /** What the offsets of the app's packets begin with. */
  readonly epoch: string;
  /** Whether the app's workers call no `listen`, as far as is known. */
  readonly takesDefault: boolean;
}

/** One HTTP server of a worker. */
export interface ServedServer {
  /** Where the app asked to listen; `undefined` if it did not. */
  wants: ListenAddress | undefined;
  /** Whether it is the worker's first with Socket.IO. */
  isMain: boolean;
  /** Where Socket.IO answers. */
  readonly paths: Set<string>;
}
