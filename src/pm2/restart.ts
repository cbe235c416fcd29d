// SPDX-License-Identifier: AGPL-3.0-only
import type { God, Process, ReloadOptions } from "./internals";
import type { StickyApps } from "./sticky-apps";

type Callback = (error: Error | null, result?: unknown) => void;

/** How long the first restart waits for others: watchers and cron jobs fire for all workers at about the same time. */
const GATHER_MS = 100;

/** The restart of one process, waiting for its turn. */
interface Turn {
  id: number;
  /** Who is to be told of its end. */
  callbacks: Callback[];
  /**
   * Whether further calls for the same process may join. A restart with an environment of its own
   * is for its caller alone.
   */
  shared: boolean;
  run(done: Callback): void;
}

/**
 * Restarts of an app with several workers take turns, so that there is always a worker that can take over the sessions:
 *
 *     waiting ──its turn──▶ restarted (pm2 restart) ──serves, exits, or takes too long──▶ done
 *                  └──▶ reloaded (cron, watch: nobody has asked for a stop)────────────────┘
 */
export class Restarts {
  private readonly queues = new Map<string, Turn[]>();

  constructor(
    private readonly god: God,
    private readonly apps: StickyApps,
    private readonly restart: God["restartProcessId"],
  ) {}

  add(app: string, options: ReloadOptions, callback: Callback): void {
    // A restart that comes from a command brings an environment, one by cron or watch does not.
    const shared = options.env === undefined;
    const queue = this.queues.get(app) ?? [];
    const same = queue.find((turn) => turn.shared && shared && turn.id === options.id);
    if (same) {
      same.callbacks.push(callback);
      return;
    }
    const run = (done: Callback) => this.run(options, shared, done);
    queue.push({ id: options.id, callbacks: [callback], shared, run });
    if (this.queues.has(app)) return;
    this.queues.set(app, queue);
    if (shared) this.apps.clock.after(GATHER_MS, () => this.next(app, queue));
    else this.next(app, queue);
  }

  private next(app: string, queue: Turn[]): void {
    const turn = queue.shift();
    if (!turn) {
      this.queues.delete(app);
      return;
    }
    turn.run((...answer) => {
      for (const callback of turn.callbacks) callback(...answer);
      this.next(app, queue);
    });
  }

  private run(options: ReloadOptions, shared: boolean, done: Callback): void {
    if (shared && this.apps.hasPeers(this.god.clusters_db[options.id])) {
      this.god.reloadProcessId({ id: options.id }, (error, result) => {
        if (error) console.error(error.message);
        done(error, result);
      });
      return;
    }
    this.restart.call(this.god, options, (...answer) => {
      const fresh = this.god.clusters_db[options.id];
      if (answer[0] || !fresh) done(...answer);
      else this.untilServing(fresh).then(() => done(...answer));
    });
  }

  private untilServing(fresh: Process): Promise<void> {
    if (this.apps.handleOf(fresh)?.state === "ready" || fresh.isDead()) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        unwatch();
        fresh.removeListener("listening", end);
        fresh.removeListener("exit", end);
        resolve();
      };
      const timer = this.apps.clock.after(this.apps.startTimeoutMs(fresh.pm2_env), end);
      const unwatch = this.apps.watch(fresh, ({ state }) => state === "ready" && end());
      // An app that does not use us any more listens by way of Node's cluster module.
      fresh.on("listening", end);
      fresh.on("exit", end);
    });
  }
}
