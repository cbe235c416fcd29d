// SPDX-License-Identifier: AGPL-3.0-only
import { createClock } from "../clock";
import type { DrainProgress } from "./drains";
import type { Client } from "./internals";

/** Something that PM2 asks the daemon to do with one process, such as to reload it. */
export interface Action {
  /** PM2's id of the process. */
  id: number;
  /** When PM2 asked, in milliseconds on the machine's monotonic clock. */
  startedMs: number;
  /** Whether the process is to end, and no new one to take its place. */
  ends: boolean;
  /** Resolves when the daemon has answered. */
  done: Promise<void>;
  /** Asks the daemon for the drains of workers that have begun since then; without an answer in time there are none. */
  drains(sinceMs: number): Promise<DrainProgress[]>;
  /** Has the process end without giving up its sessions first. */
  hurry(): void;
}

const clock = createClock();
const ANSWER_TIMEOUT_MS = 2000;
const ACTIONS = /^(stop|delete|restart|reload|softReload)ProcessId$/;

/** Tells `onAction` of what PM2 asks the daemon to do with processes. */
export function followActions(client: Client, onAction: (action: Action) => Promise<void>): void {
  const { executeRemote } = client;
  client.executeRemote = function (method, argument, callback) {
    if (!ACTIONS.test(method) || !this.client) return executeRemote.call(this, method, argument, callback);
    const id = Number((argument as { id?: unknown })?.id ?? argument);
    const drains = (sinceMs: number) =>
      new Promise<DrainProgress[]>((resolve) => {
        const answer = (error: unknown, result?: unknown) =>
          resolve(error || !Array.isArray(result) ? [] : result);
        if (this.client) this.client.call("stickyDrains", sinceMs, answer);
        // If the daemon has ended meanwhile, nobody answers.
        clock.after(this.client ? ANSWER_TIMEOUT_MS : 0, () => resolve([]));
      });
    let done = () => {};
    const action = {
      id,
      startedMs: clock.now(),
      done: new Promise<void>((resolve) => {
        done = resolve;
      }),
      drains,
      ends: method === "stopProcessId" || method === "deleteProcessId",
      hurry: () => this.client?.call("stickyHurry", id, () => {}),
    };
    const followed = onAction(action);
    return executeRemote.call(this, method, argument, (...answer) => {
      done();
      followed.finally(() => callback?.(...answer));
    });
  };
}
