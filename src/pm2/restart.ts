// SPDX-License-Identifier: AGPL-3.0-only
import type { God, Process, ReloadOptions } from "./internals";
import type { StickyApps } from "./sticky-apps";

type Callback = (error: Error | null, result?: unknown) => void;

/** The watchers and cron jobs of an app's workers fire at about the same time, for all of them. */
const GATHER_MS = 100;

interface Turn {
  id: number;
  /** Who wants to know its end; with somebody's own environment it is his alone. */
  callbacks: Callback[];
  shared: boolean;
  run(done: Callback): void;
}

/**
 * Restarts of a sticky app with several workers take turns, so that there is always somebody to take over the sessions:
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
    // What comes from a command brings an environment.
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
      // Of an app that does not ask for us any more.
      fresh.on("listening", end);
      fresh.on("exit", end);
    });
  }
}
