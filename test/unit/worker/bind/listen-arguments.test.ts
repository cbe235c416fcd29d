import { expect, test } from "vitest";
import { listenAddress, listenCallback, listenSignal } from "../../../../src/worker/bind/listen-arguments";

const callback = () => {};

test.each([
  [[], { port: 0 }],
  [[callback], { port: 0 }],
  [[3000], { port: 3000 }],
  [["3000"], { port: 3000 }],
  [[3000, callback], { port: 3000 }],
  [[3000, "127.0.0.1"], { port: 3000, host: "127.0.0.1" }],
  [[3000, "::1", 10, callback], { port: 3000, host: "::1", backlog: 10 }],
  [[3000, 10], { port: 3000, backlog: 10 }],
  [[3000, undefined, callback], { port: 3000 }],
  [[3000, Number.POSITIVE_INFINITY], { port: 3000 }],
  [["/tmp/app.sock"], { path: "/tmp/app.sock" }],
  [["/tmp/app.sock", 5, callback], { path: "/tmp/app.sock", backlog: 5 }],
  [[{ port: 3000, host: "localhost", backlog: 7 }, callback], { port: 3000, host: "localhost", backlog: 7 }],
  [[{ port: "3000" }], { port: 3000 }],
  [[{ path: "/tmp/app.sock" }], { path: "/tmp/app.sock" }],
])("listen(%j) asks for %j", (args, address) => {
  expect(listenAddress(args)).toEqual(address);
});

test.each([
  [[{ fd: 3 }]],
  [[{ port: 3000, exclusive: true }]],
  [[{ _handle: {} }]],
  [[{ port: 70_000 }]],
  [[-1]],
  [[3.5]],
])("listen(%j) is nothing for the primary", (args) => {
  expect(listenAddress(args)).toBeUndefined();
});

test("the callback is the last argument, if it is a function", () => {
  expect(listenCallback([3000, callback])).toBe(callback);
  expect(listenCallback([3000])).toBeUndefined();
  expect(listenCallback([])).toBeUndefined();
});

test("options of the address are kept, each where it means something", () => {
  const all = { ipv6Only: true, readableAll: true, writableAll: false };
  expect(listenAddress([{ port: 3000, ...all }])).toEqual({ port: 3000, ipv6Only: true });
  expect(listenAddress([{ path: "/tmp/a", ...all }])).toEqual({ path: "/tmp/a", readableAll: true });
});

test("a signal is found where Node looks for it", () => {
  const { signal } = new AbortController();
  expect(listenSignal([{ port: 3000, signal }])).toBe(signal);
  expect(listenSignal([{ port: 3000, signal: "stop" }])).toBeUndefined();
  expect(listenSignal([3000, "localhost"])).toBeUndefined();
});
