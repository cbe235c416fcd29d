import { expect, test } from "vitest";
import { statusOf } from "../../../../src/primary/status";
import type { WorkerHandle } from "../../../../src/primary/workers/worker-handle";
import { createSessionId } from "../../../../src/protocol/session-id";
import { FakeWorker, fakeApp } from "../../../helpers/fake-worker";

/** An app of two workers, one of which gives up a polling session. */
function move() {
  const { app, lines } = fakeApp();
  const [from, to] = [new FakeWorker(app), new FakeWorker(app)];
  const sid = createSessionId(from.handle.seat);
  void from.handle.drain(60_000, 60_000);
  announce(from, sid);
  return { app, lines, from, to, sid };
}

function announce(worker: FakeWorker, sid: string, scope = 0): void {
  const session = {
    scope,
    sid,
    transport: "polling",
    url: "/",
    rawHeaders: [],
    pending: [],
    namespaces: [],
  } as const;
  worker.say({ type: "move", session: { ...session, rawHeaders: [], pending: [], namespaces: [] } });
}

const counts = ({ handoverCounts }: WorkerHandle) => handoverCounts.toJSON();

test("the line of a drain counts sessions whose arrival is heard of after the worker was done", () => {
  const { lines, from, to, sid, app } = move();
  from.say({ type: "drained" });
  expect(lines).toEqual([]);
  to.say({ type: "adopted", sid, ok: true });
  expect(lines).toEqual([
    expect.stringMatching(/^worker 0 \(pid 1\) gave up its sessions in \d+ ms: 1 moved, 0 closed, 0 failed$/),
  ]);
  expect(statusOf(app).handover).toEqual({ moved: 1, closed: 0, failed: 0 });
});

test("a session that nobody could take over is nobody's, and counted as failed", () => {
  const { from, to, sid, app } = move();
  expect(app.ownerOf(sid)).toBe(to.handle);
  to.say({ type: "adopted", sid, ok: false });
  expect(app.ownerOf(sid)).toBe(from.handle); // as its id says: no claim is left
  expect(counts(from.handle)).toEqual({ moved: 0, closed: 0, failed: 1 });
  expect(from.told("moved")).toEqual([{ type: "moved", sid }]);
});

test("a session that comes back to the worker it began on needs no claim", () => {
  const { app } = fakeApp();
  const [home, away] = [new FakeWorker(app), new FakeWorker(app)];
  const sid = createSessionId(home.handle.seat);
  announce(home, sid);
  away.say({ type: "adopted", sid, ok: true });
  expect(app.ownerOf(sid)).toBe(away.handle);
  announce(away, sid);
  home.say({ type: "adopted", sid, ok: true });
  away.handle.left();
  expect(app.ownerOf(sid)).toBe(home.handle);
});

test("a session may go on to a third worker before it is heard that it has arrived at the second", () => {
  const { app, from, to, sid } = move();
  const third = new FakeWorker(app);
  announce(to, sid);
  third.say({ type: "adopted", sid, ok: true });
  to.say({ type: "adopted", sid, ok: true });
  expect([from, to].map(({ handle }) => handle.handoverCounts.moved)).toEqual([1, 1]);
  expect(app.ownerOf(sid)).toBe(third.handle);
});

test("what a worker still had when it was killed in its drain has failed; a crash is no handover", () => {
  const { app, lines } = fakeApp();
  const [drained, crashed] = [new FakeWorker(app), new FakeWorker(app)];
  for (const worker of [drained, crashed]) {
    worker.say({ type: "load", sessions: 5, connections: 5, forwarded: 0, closed: 0 });
  }
  void drained.handle.drain(60_000, 60_000);
  drained.say({ type: "load", sessions: 3, connections: 3, forwarded: 0, closed: 2 });
  drained.handle.left();
  crashed.handle.left();
  expect(statusOf(app).handover).toEqual({ moved: 0, closed: 2, failed: 3 });
  expect(lines).toEqual([expect.stringContaining("0 moved, 2 closed, 3 failed")]);
});

test("a session is offered only to a worker with a server of its scope, under the number of that scope", () => {
  const { app } = fakeApp();
  const [from, without, other] = [new FakeWorker(app), new FakeWorker(app), new FakeWorker(app)];
  from.say({ type: "scope-open", scope: 1, path: "/admin" });
  const [, admin] = from.told("scope");
  const [first, second] = [createSessionId(from.handle.seat), createSessionId(from.handle.seat)];
  announce(from, first, 1);
  expect(from.told("moved")).toEqual([{ type: "moved", sid: first }]);
  other.say({ type: "scope-open", scope: 1, path: "/more" });
  other.say({ type: "scope-open", scope: 2, path: "/admin" });
  announce(from, second, 1);
  expect(other.told("adopt")).toMatchObject([{ session: { sid: second, scope: admin!.global } }]);
  expect(other.told("scope").find(({ scope }) => scope === 2)!.global).toBe(admin!.global);
  // Of a server that was closed meanwhile there is no other one.
  from.say({ type: "scope-close", scope: 1 });
  const third = createSessionId(from.handle.seat);
  announce(from, third, 1);
  expect(from.told("moved")).toContainEqual({ type: "moved", sid: third });
  expect(without.told("adopt")).toEqual([]);
});
