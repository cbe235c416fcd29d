import { afterEach, describe, expect, test, vi } from "vitest";
import { appOptions, checkStickyOptions } from "../../src/config";

describe("the options of sticky", () => {
  const good = [
    undefined,
    true,
    false,
    {},
    {
      port: 3000,
      host: "::1",
      backlog: 5,
      method: "random",
      queueTimeout: 1,
      headTimeout: 1,
      maxHeadSize: 64,
    },
    { path: "/tmp/app.sock", maxPending: 1, startTimeout: 1 },
  ];
  test.each(good)("%j is fine", (value) => {
    expect(checkStickyOptions(value)).toEqual([]);
  });

  test.each([
    ["yes", /^"sticky" takes true, false or an object/],
    [[], /^"sticky" takes/],
    [null, /^"sticky" takes/],
    [{ ports: 1 }, /^"sticky.ports" is unknown: sticky takes port, host, path/],
    [{ toString: 1 }, /^"sticky.toString" is unknown/],
    [{ port: "3000" }, /^"sticky.port" takes a port from 0 to 65535, but is "3000"/],
    [{ port: 65_536 }, /sticky.port/],
    [{ host: "" }, /sticky.host" takes a non-empty string/],
    [{ path: 3 }, /sticky.path/],
    [{ backlog: 0 }, /sticky.backlog/],
    [{ method: "best" }, /"least-connection", "round-robin", "random", but is "best"/],
    [{ queueTimeout: 0 }, /sticky.queueTimeout" takes milliseconds/],
    [{ headTimeout: 2 ** 31 }, /sticky.headTimeout/],
    [{ maxHeadSize: 10 }, /sticky.maxHeadSize/],
    [{ maxPending: 1.5 }, /sticky.maxPending/],
    [{ startTimeout: "1s" }, /sticky.startTimeout/],
    [{ port: 1, path: "/x" }, /a port or a path, not both/],
  ])("%j is refused, by name and with what it takes", (value, message) => {
    expect(checkStickyOptions(value)).toEqual([expect.stringMatching(message)]);
  });

  test("every fault is named", () => {
    expect(checkStickyOptions({ port: -1, host: 1, nope: 1 })).toHaveLength(3);
  });
});

describe("the public address", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const wants = { port: 5 };
  const listenOn = (app: Parameters<typeof appOptions>[0], asked: { port: number } | undefined) =>
    appOptions(app).listenOn!(asked, true).address;

  test("is the first of: sticky, what the worker asked for, port, PORT, PM2_PORT, 8080", () => {
    vi.stubEnv("PM2_PORT", "2");
    const all = { sticky: { port: 6 }, port: 4, env: { PORT: "3" } };
    expect(listenOn(all, wants)).toEqual({ port: 6 });
    expect(listenOn({ ...all, sticky: { path: "/x" } }, wants)).toEqual({ path: "/x" });
    expect(listenOn({ ...all, sticky: true }, wants)).toEqual({ port: 5 });
    expect(listenOn({ ...all, sticky: true }, undefined)).toEqual({ port: 4 });
    expect(listenOn({ env: all.env }, undefined)).toEqual({ port: 3 });
    expect(listenOn({}, undefined)).toEqual({ port: 2 });
    vi.stubEnv("PM2_PORT", undefined);
    expect(listenOn({}, undefined)).toEqual({ port: 8080 });
  });

  test("skips a port that is none", () => {
    expect(listenOn({ port: "x", env: { PORT: "" } }, undefined)).toEqual({ port: 8080 });
  });

  test("takes host and backlog of sticky with any port, and the host with no path", () => {
    const sticky = { host: "::1", backlog: 9 };
    expect(listenOn({ sticky }, wants)).toEqual({ port: 5, host: "::1", backlog: 9 });
    expect(listenOn({ sticky: { ...sticky, path: "/x" } }, wants)).toEqual({ path: "/x", backlog: 9 });
  });
});

test("the configuration has the documented defaults and is frozen", () => {
  const options = appOptions({ sticky: true });
  expect(options).toMatchObject({
    method: "least-connection",
    queueTimeoutMs: 5000,
    headTimeoutMs: 10_000,
    maxHeadSize: 16_384,
    maxPending: 10_000,
    startTimeoutMs: 60_000,
  });
  expect(Object.isFrozen(options)).toBe(true);
});
