// SPDX-License-Identifier: MIT

/**
 * Every error that this package reports, by its stable code. The README lists the same codes; a test compares them.
 *
 * `what` says what is wrong, `remedy` what the person at the terminal can do. The placeholders `%s` are replaced by
 * values in order, first those in `what`, then those in `remedy`.
 */
export const ERRORS = {
  STICKY_PORT: {
    what: 'app "%s" cannot listen on %s: %s',
    remedy:
      "free the address, or give the app another one (sticky.port); it is tried again until then. A file in the way of a Unix socket is not removed, unless it is a dead socket at sticky.path",
  },
  STICKY_OPTION: {
    what: "%s",
    remedy: "see the table of options in the README",
  },
  STICKY_EXEC_MODE: {
    what: '"sticky" needs cluster mode, but the app asks for exec_mode "%s"',
    remedy: 'remove exec_mode or set it to "cluster"',
  },
  STICKY_NOT_PRIMARY: {
    what: "%s() was called outside the primary process of a cluster",
    remedy: "call it where cluster.isPrimary is true; under pm2-socket.io it is not needed at all",
  },
  STICKY_NOT_WORKER: {
    what: "%s() was called outside a cluster worker",
    remedy: 'start the app in cluster mode: pm2 start worker.js -i max, or exec_mode: "cluster"',
  },
  STICKY_SECOND_SERVER: {
    what: "setupWorker() was called for a second HTTP server, which does not listen: where should its connections come from?",
    remedy:
      "call listen() on it before setupWorker(), or attach its Socket.IO server to the first HTTP server",
  },
  STICKY_TLS: {
    what: "a TLS server cannot be served by sticky sessions: the primary has to read the request line",
    remedy: "end TLS in front (nginx, HAProxy, a load balancer) and use http.createServer() in the worker",
  },
  STICKY_UNATTACHED: {
    what: "this Socket.IO server is attached to no HTTP server",
    remedy: "pass it one: new Server(httpServer), or io.attach(httpServer), before setupWorker(io)",
  },
  STICKY_UNSERVED: {
    what: "Socket.IO is attached to %s, which cannot be served by sticky sessions",
    remedy: "use http.createServer() of Node, with HTTP/1.1",
  },
  STICKY_UNSEEN: {
    what: "no Socket.IO seen so far, although the app is sticky%s",
    remedy:
      "start the file that loads socket.io itself, not npm or another launcher; uWebSockets.js, HTTP/2 and Engine.IO without Socket.IO cannot be served",
  },
  STICKY_MISSING: {
    what: "several workers share %s, but Socket.IO has neither sticky sessions nor an adapter for them: clients keep reconnecting, and miss each other's packets",
    remedy: 'start the app with --sticky, or with "sticky: true" in its ecosystem file, and it has both',
  },
  STICKY_INTERPRETER: {
    what: '"sticky" needs Node, but the app would be run by %s',
    remedy: 'leave "interpreter" out; a loader goes into node_args, as in "--import tsx"',
  },
  STICKY_THROWN: {
    what: "%s has thrown an error that nobody caught: %s",
    remedy: "the whole error is in the app's error log",
  },
  STICKY_NO_PRIMARY: {
    what: "nobody answers on the other side of the link",
    remedy: "call setupPrimary() in the primary, or start the app with the pm2 command of pm2-socket.io",
  },
  STICKY_LINK_VERSION: {
    what: "the worker's package speaks version %s of the link, the primary speaks %s",
    remedy: "update %s",
  },
  STICKY_LINK_FRAME: {
    what: "the link of %s carries something that is not a frame (%s); the link is closed",
    remedy: "the worker is replaced by its process manager; if it comes back, report it with this line",
  },
  STICKY_LINK_STUCK: {
    what: "%s does not read its link: %s bytes are waiting; it is killed so that it can be replaced",
    remedy: "look for code that blocks the event loop of that worker",
  },
  STICKY_IPC_LEGACY: {
    what: "%s carries its own copy of @socket.io/sticky or @socket.io/cluster-adapter",
    remedy:
      "it is served with them, without what ours do better; leave these packages out of the bundle to get it",
  },
  STICKY_TOO_LARGE: {
    what: '"%s" takes %s bytes; no more than %s can be sent to other processes at once',
    remedy: "only the clients of this worker get it; send less at a time, or raise sticky.linkBuffer",
  },
  STICKY_UNSERIALIZABLE: {
    what: '"%s" cannot be sent to other processes: %s',
    remedy: "emit plain data: no functions, sockets, BigInts or circular references",
  },
  STICKY_RECOVERY_DURATION: {
    what: 'connectionStateRecovery.maxDisconnectionDuration is "%s", which is no number; sessions are kept for two minutes',
    remedy: "set it to a number of milliseconds, or leave it out",
  },
  STICKY_SCOPES: {
    what: 'at the path "%s" some workers have %s Socket.IO servers, others %s: which belong together is a guess',
    remedy:
      "make the same servers in the same order in all workers, or give each server of a worker a path of its own",
  },
  STICKY_TOO_MANY_SERVERS: {
    what: "this worker has more than %s Socket.IO servers; the others reach the clients of this worker alone",
    remedy: "close servers that are not needed any more (io.close()), or use namespaces instead of servers",
  },
  STICKY_HANDOVER_OFF: {
    what: "live sessions are not moved to other workers: %s of the installed Socket.IO is not as this package knows it",
    remedy: "install the pm2-socket.io release made for it; sessions recover by reconnecting until then",
  },
  STICKY_RELOAD: {
    what: "reload of %s failed: the new worker %s; the old one stays",
    remedy: "mend the app and reload again",
  },
  STICKY_RELOAD_INTERRUPTED: {
    what: "reload of %s was interrupted: the new worker was stopped by another command",
    remedy: "look at pm2 list and reload again if needed",
  },
  STICKY_RELOAD_RUNNING: {
    what: "Reload already in progress for process id %s, retry later",
    remedy: "wait for the running reload to end",
  },
  STICKY_REMOVED: {
    what: '"sticky" was taken out of the configuration, but the address of the app is open: its workers are served as before',
    remedy: "to end that, stop the whole app and start it again (pm2 stop, pm2 start)",
  },
  STICKY_UNKNOWN_APP: {
    what: 'there is no app "%s" with a sticky listener',
    remedy: "pm2 sticky lists those there are",
  },
  STICKY_PM2_CHANGED: {
    what: "PM2 %s is not the release this package knows (%s is not there); Socket.IO apps are not served",
    remedy: "install the pm2-socket.io release made for it; all else works as in plain PM2",
  },
  STICKY_DAEMON: {
    what: "the running daemon was started by plain pm2: no Socket.IO app is served",
    remedy: "run: pm2 update",
  },
} as const;

/** The stable code of an error of this package. */
export type ErrorCode = keyof typeof ERRORS;

/** An error with a stable `code` and a `remedy`. Its message contains both, and what is wrong. */
export class StickyError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string;

  constructor(code: ErrorCode, ...values: (string | number)[]) {
    super(describe(code, ...values));
    this.name = "StickyError";
    this.code = code;
    this.remedy = filled(code, values).remedy;
  }
}

/** The text of an error, in one line for a log: what is wrong, the code to search for, and what to do. */
export function describe(code: ErrorCode, ...values: (string | number)[]): string {
  const { what, remedy } = filled(code, values);
  return `${what} [${code}]. ${remedy}`;
}

function filled(code: ErrorCode, values: (string | number)[]): { what: string; remedy: string } {
  const rest = values.map(String);
  const fill = (text: string) => text.replace(/%s/g, () => rest.shift() ?? "");
  return { what: fill(ERRORS[code].what), remedy: fill(ERRORS[code].remedy) };
}
