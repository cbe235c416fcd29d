import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { God, Process } from "../../../src/pm2/internals";
import { Restarts } from "../../../src/pm2/restart";
import type { StickyApps } from "../../../src/pm2/sticky-apps";
import { clock } from "../../helpers/clock";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Callback = (error: Error | null) => void;

/** An app of three workers; what happens to them, and a way to end it. */
function app() {
  const begun: string[] = [];
  const ends: Callback[] = [];
  const begin = (what: string) => (options: { id: number }, done: Callback) => {
    begun.push(`${what} ${options.id}`);
    ends.push(done);
  };
  const process = { isDead: () => false } as Process;
  const god = { clusters_db: [process, process, process], reloadProcessId: begin("reload") };
  const apps = { clock, hasPeers: () => true, handleOf: () => ({ state: "ready" }) };
  const restarts = new Restarts(
    god as unknown as God,
    apps as unknown as StickyApps,
    begin("restart") as God["restartProcessId"],
  );
  const end = async (error: Error | null = null) => {
    ends.shift()!(error);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { restarts, begun, end };
}

const nothing = () => {};

test("workers are restarted one after the other", async () => {
  const { restarts, begun, end } = app();
  const done: number[] = [];
  for (const id of [0, 1, 2]) restarts.add("app", { id, env: {} }, () => done.push(id));
  restarts.add("other", { id: 0, env: {} }, nothing);
  expect(begun).toEqual(["restart 0", "restart 0"]);
  await end();
  expect(done).toEqual([0]);
  expect(begun.at(-1)).toBe("restart 1");
});

test("several watchers that see one change mean one reload of each worker, and all hear of its end", async () => {
  const { restarts, begun, end } = app();
  let heard = 0;
  for (let watcher = 0; watcher < 3; watcher++) {
    for (const id of [0, 1]) restarts.add("app", { id }, () => heard++);
  }
  expect(begun).toEqual([]);
  await vi.advanceTimersByTimeAsync(100);
  expect(begun).toEqual(["reload 0"]);
  await end();
  expect(heard).toBe(3);
  await end();
  expect(begun).toEqual(["reload 0", "reload 1"]);
  expect(heard).toBe(6);
});

test("one that fails does not keep the others, and is told", async () => {
  const { restarts, begun, end } = app();
  const said = vi.spyOn(console, "error").mockImplementation(nothing);
  for (const id of [0, 1]) restarts.add("app", { id }, nothing);
  await vi.advanceTimersByTimeAsync(100);
  await end(new Error("it throws"));
  expect(said).toHaveBeenCalledWith("it throws");
  expect(begun).toEqual(["reload 0", "reload 1"]);
  said.mockRestore();
});
