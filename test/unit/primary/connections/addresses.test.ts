import { connect, createServer } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Addresses } from "../../../../src/primary/connections/addresses";
import type { AddressOwner, Claim, ClaimingWorker, Place } from "../../../../src/primary/connections/place";
import type { ListenAddress } from "../../../../src/protocol/messages";
import { clock } from "../../../helpers/clock";
import { freePort, until } from "../../../helpers/daemon";
import { listening } from "../../../helpers/sockets";

type Worker = ClaimingWorker;

/** An app that notes which of its servers got which address, and who closed. */
class FakeApp implements AddressOwner<Worker> {
  readonly lines: string[] = [];
  readonly heard: { claim: Claim<Worker>; place: Place<Worker> }[] = [];
  readonly closed: Place<Worker>[] = [];
  readonly refused: Worker[] = [];
  accepted = 0;
  readonly log = {
    info: (line: string) => void this.lines.push(line),
    error: (line: string) => void this.lines.push(line),
  };

  constructor(readonly name: string) {}

  accept(): void {
    this.accepted++;
  }

  onListening(claim: Claim<Worker>, place: Place<Worker>): void {
    this.heard.push({ claim, place });
  }

  onRefused(refused: Worker): void {
    this.refused.push(refused);
  }

  onClosed(place: Place<Worker>): void {
    this.closed.push(place);
  }

  /** The servers of this worker that listen. */
  serversOf(worker: Worker): number[] {
    return this.heard.filter(({ claim }) => claim.worker === worker).map(({ claim }) => claim.server);
  }
}

const worker = (slotKey?: string): Worker => ({ slotKey });

let addresses: Addresses<Worker>;
let apps: FakeApp[];

beforeEach(() => {
  addresses = new Addresses(clock);
  apps = [];
});
afterEach(() => {
  for (const app of apps) addresses.releaseApp(app);
});

function newApp(name: string): FakeApp {
  const app = new FakeApp(name);
  apps.push(app);
  return app;
}

const host = "127.0.0.1";

function claim(app: FakeApp, of: Worker, port: number, server = 0, more: Partial<ListenAddress> = {}): void {
  addresses.claim({ app, worker: of, server, address: { port, host, ...more }, isConfigured: false });
}

const hears = (app: FakeApp, of: Worker, count = 1) =>
  until(() => app.serversOf(of).length === count || undefined, `${app.name} to hear that it listens`);

/** Whether somebody answers there. */
const isOpen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const client = connect({ port, host }, () => resolve(true));
    client.on("error", () => resolve(false)).resume();
  });

test("workers that ask for the same address share it, each with its own server, and it closes with the last", async () => {
  const [app, port] = [newApp("shop"), await freePort()];
  const [a, b] = [worker("0"), worker("1")];
  claim(app, a, port);
  claim(app, b, port, 3);
  await hears(app, a);
  await hears(app, b);
  expect([...addresses.ofApp(app)].map(({ claims }) => claims.length)).toEqual([2]);
  addresses.unclaim(a, 0);
  expect(await isOpen(port)).toBe(true);
  addresses.unclaim(b, 3);
  expect(await isOpen(port)).toBe(false);
  expect(app.closed).toHaveLength(1);
  expect(app.lines).toEqual([`listens on ${host}:${port}`, `${host}:${port} is closed`]);
});

test("a worker may have servers at several addresses, and an address for itself", async () => {
  const [app, common, own] = [newApp("shop"), await freePort(), await freePort()];
  const [a, b] = [worker("0"), worker("1")];
  claim(app, a, common, 0);
  claim(app, b, common, 0);
  claim(app, b, own, 1);
  await hears(app, b, 2);
  expect(addresses.of(b, 1)!.claims.map((each) => each.worker)).toEqual([b]);
  expect(addresses.of(a, 0)).toBe(addresses.of(b, 0));
});

test("a server that asks for another address leaves the one it had", async () => {
  const [app, first, second] = [newApp("shop"), await freePort(), await freePort()];
  const a = worker("0");
  claim(app, a, first);
  await hears(app, a);
  claim(app, a, second);
  await hears(app, a, 2);
  expect([await isOpen(first), await isOpen(second)]).toEqual([false, true]);
});

test("any port is the same one for the n-th server of each worker, and another one for another app", async () => {
  const [shop, blog] = [newApp("shop"), newApp("blog")];
  const [a, b, c] = [worker("0"), worker("1"), worker("2")];
  for (const each of [a, b]) for (const nth of [0, 1]) claim(shop, each, 0, nth, { nth });
  claim(blog, c, 0, 0, { nth: 0 });
  await hears(shop, b, 2);
  await hears(blog, c);
  expect(addresses.of(a, 0)).toBe(addresses.of(b, 0));
  expect(addresses.of(a, 1)).toBe(addresses.of(b, 1));
  expect(new Set([addresses.of(a, 0), addresses.of(a, 1), addresses.of(c, 0)]).size).toBe(3);
});

test("a second app is told whose the address is, and gets it when that lets go of it", async () => {
  const [shop, blog, port] = [newApp("shop"), newApp("blog"), await freePort()];
  const [a, b] = [worker("0"), worker("1")];
  claim(shop, a, port);
  await hears(shop, a);
  claim(blog, b, port);
  expect(blog.lines).toEqual([expect.stringMatching(/STICKY_PORT/)]);
  expect(blog.lines[0]).toContain('app "shop" has it');
  expect(addresses.of(b, 0)).toBeUndefined();
  expect(blog.refused).toEqual([b]);
  expect([addresses.isServed(a), addresses.isServed(b)]).toEqual([true, false]);
  expect(addresses.refusalOf(b)).toBe(`${host}:${port}: app "shop" has it`);
  expect(addresses.refusalOf(a)).toBeUndefined();
  addresses.left(a, false);
  await hears(blog, b);
});

test("a worker with two servers at one address leaves nothing behind", async () => {
  const [app, port] = [newApp("shop"), await freePort()];
  const a = worker("0");
  claim(app, a, port, 0);
  claim(app, a, port, 1);
  await hears(app, a, 2);
  addresses.left(a, false);
  expect(await isOpen(port)).toBe(false);
});

test("one that waits for an address and is gone does not get it", async () => {
  const [shop, blog, port] = [newApp("shop"), newApp("blog"), await freePort()];
  const [a, b] = [worker("0"), worker("1")];
  claim(shop, a, port);
  claim(blog, b, port);
  addresses.left(b, true);
  addresses.left(a, false);
  expect(await isOpen(port)).toBe(false);
});

test("an address is kept for a process that is about to run again, until it is said that it is not", async () => {
  const [app, port] = [newApp("shop"), await freePort()];
  const [a, again] = [worker("0"), worker("0")];
  claim(app, a, port);
  await hears(app, a);
  addresses.left(a, true);
  expect(await isOpen(port)).toBe(true);
  claim(app, again, port);
  await hears(app, again);
  addresses.left(again, true);
  addresses.release("0");
  expect(await isOpen(port)).toBe(false);
});

test("a process that is restarted under another name takes its address along; both names have it meanwhile", async () => {
  const [one, two, port] = [newApp("one"), newApp("two"), await freePort()];
  const [a, b, renamed] = [worker("0"), worker("1"), worker("0")];
  claim(one, a, port);
  claim(one, b, port);
  await hears(one, a);
  addresses.left(a, true);
  claim(two, renamed, port);
  await hears(two, renamed);
  expect(addresses.of(renamed, 0)!.apps).toEqual([one, two]);
  await isOpen(port);
  await until(() => two.accepted > 0 || undefined, "the newer name to be asked");
  addresses.left(b, false);
  expect(addresses.of(renamed, 0)!.apps).toEqual([two]);
  expect(await isOpen(port)).toBe(true);
});

test("a port that somebody else has is told of once, and opened when it is free", async () => {
  const holder = createServer();
  const port = await listening(holder);
  const app = newApp("shop");
  const a = worker("0");
  claim(app, a, port);
  await until(() => app.lines[0], "the line");
  expect(app.lines[0]).toMatch(`app "shop" cannot listen on ${host}:${port}: EADDRINUSE`);
  expect(app.heard).toEqual([]);
  expect(addresses.refusalOf(a)).toMatch(`${host}:${port}: EADDRINUSE`);
  expect(addresses.isServed(a)).toBe(false);
  await new Promise((resolve) => holder.close(resolve));
  addresses.retry();
  await hears(app, a);
  expect(addresses.refusalOf(a)).toBeUndefined();
  expect(app.lines).toHaveLength(2);
});

test("workers go on while their app's former workers have the port by way of the cluster module", async () => {
  const holder = createServer();
  const port = await listening(holder);
  addresses = new Addresses(clock, () => ({ isMoving: true }));
  const app = newApp("shop");
  const a = worker("0");
  claim(app, a, port);
  await hears(app, a);
  expect(addresses.refusalOf(a)).toBeUndefined();
  expect(app.lines).toEqual([]);
  await new Promise((resolve) => holder.close(resolve));
  await until(() => addresses.of(a, 0)!.listener.state === "open" || undefined, "the port to be open");
});

test("whoever asks for no address, or for its port, gets the connections of the user's own server", () => {
  const app = newApp("cluster");
  const [a, b, c] = [worker(), worker(), worker()];
  const place = addresses.addExternal({
    address: { port: 7 },
    name: "port 7",
    state: "open",
    publicAddress: { address: "::", family: "IPv6", port: 7 },
    refusal: undefined,
    open() {},
    close() {},
  });
  addresses.claim({ app, worker: a, server: 0, address: {}, isConfigured: false });
  claim(app, b, 7);
  expect(place.claims.map((each) => each.worker)).toEqual([a, b]);
  addresses.left(a, false);
  addresses.left(b, false);
  addresses.claim({ app, worker: c, server: 0, address: {}, isConfigured: false });
  expect(app.serversOf(c)).toEqual([0]);
});
