// SPDX-License-Identifier: AGPL-3.0-only
import cluster from "node:cluster";
import { join } from "node:path";
import { describe } from "../errors";
import { removePrivateFolders } from "../protocol/private-address";
import { remindOfClusterMode } from "./fork-mode";
import { type God, missingFromGod, PM2_VERSION, type Pm2Env, type Process, requirePm2 } from "./internals";
import { reloadSticky } from "./reload";
import { Restarts } from "./restart";
import { serializationFor } from "./serialization";
import { keyOf, LINK_FD, StickyApps } from "./sticky-apps";
import { WorkerErrors } from "./worker-errors";

type Callback = (error: Error | null, result?: unknown) => void;
type RpcMethods = Record<string, (argument: unknown, callback: Callback) => void>;

/** PM2's default for `kill_timeout`. */
const KILL_TIMEOUT_MS = 1600;

/**
 * Binds our primary to God. Everything that is changed in the daemon is changed here, by one of the functions below
 * each. If this PM2 is not the release that we know, nothing is changed, and the daemon works as plain PM2.
 */
export function applyGodSeams(): void {
  const god: God = requirePm2("./lib/God.js");
  const { Server } = requirePm2("./modules/pm2-axon-rpc");
  const missing = missingFromGod(god, Server.prototype);
  if (missing) {
    console.error(describe("STICKY_PM2_CHANGED", PM2_VERSION, missing));
    return;
  }
  const apps = new StickyApps(god);
  const errors = new WorkerErrors(apps.clock, (env) => apps.logFor(env));
  attachWorkers(god, apps, errors);
  remindOfClusterMode(god, apps);
  reloadSafely(god, apps);
  restartInTurn(god, apps);
  drainBeforeKill(god, apps);
  hurryOnSecondSignal(apps);
  closeWithLastProcess(god, apps, errors);
  exposeStatus(Server, apps);
}

/**
 * Starts every process in cluster mode in our container, and with a pipe for the link. What the process loads decides
 * whether it uses them. Only an app that says `sticky: false`, and so wants to have nothing to do with us, is started
 * in PM2's own container (but see `StickyApps.goesOn`).
 */
function attachWorkers(god: God, apps: StickyApps, errors: WorkerErrors): void {
  const { nodeApp } = god;
  const stock = { exec: cluster.settings.exec, serialization: undefined, stdio: undefined };
  const ours = {
    exec: join(__dirname, "container.js"),
    // The pipe is the worker's descriptor LINK_FD.
    stdio: [...Array(LINK_FD - 1).fill("inherit"), "ipc", "pipe"] as ("inherit" | "ipc" | "pipe")[],
  };
  god.nodeApp = (env, callback) => {
    const goesOn = apps.goesOn(env);
    const isOurs = goesOn || env.sticky !== false;
    if (isOurs) cluster.setupPrimary({ ...ours, serialization: serializationFor(env) });
    // The container reads this from the environment of the process. It is deleted again below, because it is not part
    // of the app's configuration, which PM2 shows and saves.
    if (goesOn) env.sticky_goes_on = true;
    try {
      nodeApp.call(god, env, (error, process) => {
        delete env.sticky_goes_on;
        if (!error && process) {
          delete process.pm2_env.sticky_goes_on;
          if (isOurs) apps.attach(process);
          errors.watch(process, keyOf(env));
        }
        callback(error, process);
      });
    } finally {
      if (isOurs) cluster.setupPrimary(stock);
    }
  };
}

/** In a reload of an app that we serve, the old worker stays until the new one serves; see `reload.ts`. */
function reloadSafely(god: God, apps: StickyApps): void {
  for (const name of ["reloadProcessId", "softReloadProcessId"] as const) {
    const reload = god[name];
    god[name] = (options, callback) => {
      const env = god.clusters_db[options.id]?.pm2_env;
      if (env?.status === "online" && env.exec_mode === "cluster_mode" && apps.serves(env)) {
        reloadSticky(god, apps, options, callback);
      } else {
        reload.call(god, options, callback);
      }
    };
  }
}

/** The workers of an app that we serve are restarted one after the other; see `restart.ts`. */
function restartInTurn(god: God, apps: StickyApps): void {
  const { restartProcessId } = god;
  const restarts = new Restarts(god, apps, restartProcessId);
  god.restartProcessId = (options, callback) => {
    const process = god.clusters_db[options.id];
    if (process && apps.serves(process.pm2_env) && apps.hasPeers(process)) {
      restarts.add(keyOf(process.pm2_env), options, callback);
    } else {
      restartProcessId.call(god, options, callback);
    }
  };
}

/** Has a worker give up its sessions and connections before it gets the signal that ends it. */
function drainBeforeKill(god: God, apps: StickyApps): void {
  const { killProcess } = god;
  god.killProcess = (pid: number, env: Pm2Env, callback: Callback) => {
    const handle = apps.handleOfPid(pid);
    const kill = () => killProcess.call(god, pid, env, callback);
    const standstillMs = Number(env.kill_timeout ?? KILL_TIMEOUT_MS);
    if (!handle?.takesPart) {
      kill();
      return;
    }
    apps.drains.begin(env, handle);
    handle.drain(standstillMs, Math.max(standstillMs, apps.drainTimeoutMs(env))).then(() => {
      apps.drains.end(env, handle);
      kill();
    });
  };
}

/**
 * A first signal makes PM2 end the daemon, as soon as the workers have given up what they have. A second signal means
 * that they are to end at once.
 */
function hurryOnSecondSignal(apps: StickyApps): void {
  let ending = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGQUIT"] as const) {
    const onSignal = () => {
      if (process.listenerCount(signal) === 1) {
        // Nobody but us listens for the signal, as with `pm2 start --no-daemon`. Then it has to end the process,
        // as it would without us.
        process.removeListener(signal, onSignal);
        removePrivateFolders();
        process.kill(process.pid, signal);
      }
      if (ending) apps.hurry();
      ending = true;
    };
    process.on(signal, onSignal);
  }
}

/** Closes an address when no process that asked for it runs any more, or is about to run again. */
function closeWithLastProcess(god: God, apps: StickyApps, errors: WorkerErrors): void {
  for (const name of ["stopProcessId", "deleteProcessId"] as const) {
    const end = god[name];
    god[name] = (id, callback) => {
      const ended: Process | undefined = god.clusters_db[id];
      end.call(god, id, (error, result) => {
        if (ended?.pm2_env && !(id in god.clusters_db)) errors.forget(keyOf(ended.pm2_env));
        callback(error, result);
        // In the next turn, because a restart stops the process and starts it again in this one, and keeps its address.
        apps.clock.nextTurn(() => apps.review());
      });
    };
  }
  god.bus.on("process:event", () => apps.reviewSoon());
}

/**
 * Adds our methods to those that the daemon offers to the command. PM2 calls `expose` once, with all its methods;
 * `expose` then calls itself for each of them.
 */
function exposeStatus(Server: { prototype: { expose(...args: unknown[]): void } }, apps: StickyApps): void {
  const { expose } = Server.prototype;
  const ours: RpcMethods = {
    stickyPing: (_, callback) => callback(null, PM2_VERSION),
    stickyStatus: (_, callback) => callback(null, apps.status()),
    stickyDrains: (sinceMs, callback) => callback(null, apps.drains.since(Number(sinceMs))),
    stickyHurry: (id, callback) => callback(null, apps.hurry(Number(id))),
    stickyRebalance: (name, callback) => callback(null, apps.rebalance(String(name))),
  };
  Server.prototype.expose = function (...args) {
    const [methods] = args;
    if (args.length > 1 || !(methods as RpcMethods).killMe) expose.apply(this, args);
    else expose.call(this, { ...(methods as RpcMethods), ...ours });
  };
}
