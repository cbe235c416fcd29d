import { createRequire } from "node:module";
import { afterEach, expect, test, vi } from "vitest";
import { endsKeepAlive, reviveBuffers, watchBundled } from "../../../../src/worker/bind/bundled";

const require = createRequire(__filename);
const listeners = (event: string) => process.listeners(event as never) as ((...args: unknown[]) => void)[];
const before = { message: listeners("message"), newListener: listeners("newListener") };

afterEach(() => {
  for (const event of ["message", "newListener"] as const) {
    for (const listener of listeners(event)) {
      if (!before[event].includes(listener)) process.removeListener(event, listener as never);
    }
  }
});

function watched() {
  const bundled = { onSticky: vi.fn(), onAdapter: vi.fn() };
  watchBundled(bundled);
  return bundled;
}

test("the official adapter is noticed when it is made", () => {
  const { createAdapter } = require("@socket.io/cluster-adapter");
  const { onAdapter, onSticky } = watched();
  const send = process.send;
  process.send = () => true;
  const io = { _nsps: new Map(), encoder: {}, opts: {}, _opts: {} };
  try {
    const adapter = createAdapter()({ name: "/", server: io, sockets: new Map() });
    clearInterval(adapter.heartbeatTimer);
    clearInterval(adapter.cleanupTimer);
  } finally {
    process.send = send;
  }
  expect(onAdapter).toHaveBeenCalledTimes(1);
  expect(onSticky).not.toHaveBeenCalled();
});

test("an app's own listener, and ours, are not taken for it", () => {
  const { onAdapter, onSticky } = watched();
  process.on("message", (message) => console.log(message));
  reviveBuffers();
  expect(onAdapter).not.toHaveBeenCalled();
  expect(onSticky).not.toHaveBeenCalled();
});

test("buffers that came as JSON are buffers again, in the messages of official adapters alone", () => {
  reviveBuffers();
  const [revive] = listeners("message");
  const json = (value: unknown) => JSON.parse(JSON.stringify(value));
  const data = { packet: { data: ["event", Buffer.from("bytes"), { deep: [Buffer.from("x")] }] } };
  const messages = [
    json({ source: "_sio_adapter", data }),
    json({ type: "own", data: Buffer.from("own") }),
    "ready",
    null,
  ];
  for (const message of messages) revive!(message);
  expect(messages).toEqual([
    { source: "_sio_adapter", data },
    { type: "own", data: json(Buffer.from("own")) },
    "ready",
    null,
  ]);
});

test.each([
  [
    `(req, res) => {
    // disable HTTP keep-alive to prevent connection reuse for another session
    res.setHeader("Connection", "close");
  }`,
    true,
  ],
  ["(e,t)=>{t.setHeader(`Connection`,`close`)}", true],
  [`(req, res) => { if (old(req)) res.setHeader("Connection", "close"); app(req, res); }`, false],
  [`(req, res) => { log(req); res.setHeader("Connection", "close"); }`, false],
  [`(req, res) => res.end()`, false],
])("the listener %j is the official one that ends keep-alive: %s", (text, is) => {
  expect(endsKeepAlive({ toString: () => text })).toBe(is);
});
