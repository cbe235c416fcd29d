/**
 * Every option of `sticky`, with its default. Runs as it is, with the chat of `examples/chat`:
 *
 *     pm2 start ecosystem.config.example.js
 *
 * To use it for your own app, copy it to `ecosystem.config.js` and change `script` and `cwd`. Most apps need no option at
 * all: `sticky: true`, or nothing, if the worker calls `setupWorker`.
 */
const { join } = require("node:path");

module.exports = {
  apps: [
    {
      name: "chat",
      script: "./worker.js",
      cwd: join(__dirname, "examples/chat"),
      exec_mode: "cluster", // implied by `sticky`
      instances: "max", // one worker for each core

      sticky: {
        // The public port. Default: the port that the worker asks for with `listen`, else the app's `port`, else `PORT`
        // in its `env`, else `PM2_PORT` in the daemon's environment, else 8080.
        port: 8080,
        // The public address. Default: all addresses, IPv4 and IPv6.
        host: "127.0.0.1",
        // A Unix socket instead of a port and host.
        // path: "/run/chat.sock",
        // How many connections the operating system lets wait.
        backlog: 511,

        // How the worker of a new session is chosen: "least-connection", "round-robin" or "random".
        method: "least-connection",
        // How long a connection waits for a ready worker before it is answered 503, in ms.
        queueTimeout: 5000,
        // How long a request line may take to arrive before it is answered 408, in ms.
        headTimeout: 10_000,
        // How long a request line may be before it is answered 431, in bytes.
        maxHeadSize: 16_384,
        // How many connections may be without a request line, and how many may wait for a worker.
        maxPending: 10_000,

        // How many bytes may wait for a worker that is slow to read what the others send it, before it is replaced.
        linkBuffer: 64 * 1024 * 1024,
        // How long a worker may read nothing of what waits for it before it is replaced, in ms.
        linkTimeout: 30_000,
        // How many bytes of packets are kept for clients that come back (`connectionStateRecovery`).
        recovery: { maxBytes: 64 * 1024 * 1024 },
        // Moving live sessions to other workers, or `false`: how long one may wait for open acknowledgements, and how long
        // a worker that stops may go on while it makes progress, in ms.
        handover: { timeout: 5000, drainTimeout: 30_000 },
        // How long a new worker may take to become ready in a reload, in ms (`listen_timeout`, where that is longer).
        startTimeout: 60_000,
      },
    },
  ],
};
