/**
 * Every option of `sticky`, with its default value (but for `host`). It runs as it is, with the chat of
 * `examples/chat`:
 *
 *     pm2 start ecosystem.config.example.js
 *
 * To use it for your own app, copy it to `ecosystem.config.js` and change `script` and `cwd`. Most apps need none of
 * these options: `sticky: true` is enough, and if the worker calls `setupWorker` not even that is needed.
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
        // The public port. Default: the first of these that is given: the port that the worker asks for with
        // `listen`, the app's `port`, `PORT` in its `env`, `PM2_PORT` in the daemon's environment, 8080.
        port: 8080,
        // The network address on which the port is opened. Default: all addresses, IPv4 and IPv6.
        host: "127.0.0.1",
        // The path of a Unix socket, instead of `port` and `host`. Default: none.
        // path: "/run/chat.sock",
        // How many connections the operating system lets wait before they are accepted.
        backlog: 511,

        // How the worker of a new session is chosen: the one with the fewest sessions ("least-connection"), one after
        // the other ("round-robin"), or any ("random").
        method: "least-connection",
        // How long a connection waits for a worker that is ready, before it is answered with 503, in ms.
        queueTimeout: 5000,
        // How long a request line may take to arrive, before it is answered with 408, in ms.
        headTimeout: 10_000,
        // How long a request line may be, in bytes; a longer one is answered with 431.
        maxHeadSize: 16_384,
        // How many connections may be without a request line, and how many may wait for a worker. If there are more,
        // the oldest is closed, or answered with 503.
        maxPending: 10_000,

        // How many bytes may wait for a worker that is slow to read what the others send it, before it is replaced.
        // It is also the largest size of one packet.
        linkBuffer: 64 * 1024 * 1024,
        // How long a worker may read nothing of what waits for it before it is replaced, in ms.
        linkTimeout: 30_000,
        // How many bytes of packets are kept for clients that come back (with `connectionStateRecovery`), and how
        // many bytes of the data and rooms of their sessions.
        recovery: { maxBytes: 64 * 1024 * 1024 },
        // How live sessions move to other workers when theirs stops; `false` switches that off. `timeout`: how long a
        // session may wait for open acknowledgements, in ms, before it is closed instead. `drainTimeout`: how long
        // the worker may go on as long as it makes progress, in ms.
        handover: { timeout: 5000, drainTimeout: 30_000 },
        // How long a new worker may take to become ready in a reload, in ms. If `listen_timeout` is longer, it counts
        // instead.
        startTimeout: 60_000,
      },
    },
  ],
};
