import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Peers } from "../../../../src/worker/adapter/peers";
import { Requests } from "../../../../src/worker/adapter/requests";
import { clock } from "../../../helpers/clock";

let peers: Peers;
let requests: Requests;

beforeEach(() => {
  vi.useFakeTimers();
  peers = new Peers(clock, 3000);
  requests = new Requests(clock, peers);
  peers.change(["x", "y"], []);
});
afterEach(() => {
  vi.useRealTimers();
});

test("a request is done when all have answered who were asked", async () => {
  const done = requests.wait("r", ["x", "y"], 5000);
  requests.answered("r", "y", [1, 2]);
  requests.answered("r", "stranger", [3]);
  requests.answered("other", "x", [9]);
  requests.answered("r", "x", []);
  requests.answered("r", "x", [9]);
  expect(await done).toEqual({ answers: [1, 2, 3], missing: 0 });
  expect(await requests.wait("none", [], 5000)).toEqual({ answers: [], missing: 0 });
  expect(vi.getTimerCount()).toBe(0);
});

test("nobody waits for who is gone, and not for ever for who does not answer", async () => {
  const [first, second] = [requests.wait("1", ["x", "y"], 2000), requests.wait("2", ["x"], 2000)];
  requests.answered("1", "y", ["yes"]);
  requests.left("y");
  vi.advanceTimersByTime(2000);
  expect(await first).toEqual({ answers: ["yes"], missing: 1 });
  expect(await second).toEqual({ answers: [], missing: 1 });
  const third = requests.wait("3", ["y", "x"], 2000);
  requests.left("y");
  requests.left("x");
  expect(await third).toEqual({ answers: [], missing: 0 });
});

test("who says nothing for a while since it was asked is not waited for, until it is heard again", async () => {
  const first = requests.wait("1", ["x", "y"], 60_000);
  requests.answered("1", "x", ["x"]);
  peers.heard("x");
  vi.advanceTimersByTime(2999);
  expect(peers.isSilent("y")).toBe(false);
  vi.advanceTimersByTime(1);
  expect(await first).toEqual({ answers: ["x"], missing: 0 });
  expect(peers.count).toBe(1);
  const second = requests.wait("2", ["x", "y"], 60_000);
  requests.answered("2", "x", ["x"]);
  peers.heard("x");
  expect(await second).toEqual({ answers: ["x"], missing: 0 });
  peers.heard("y");
  expect(peers.count).toBe(2);
  expect(peers.ask(["x", "y"])).toEqual(["x", "y"]);
});

test("who is alone knows it once that was said, or when nobody will say it", async () => {
  const other = new Peers(clock, 3000);
  await other.known;
  for (const say of [() => other.change([], []), () => void other.giveUp()]) {
    other.expect();
    other.expect();
    let known = false;
    void other.known.then(() => {
      known = true;
    });
    await Promise.resolve();
    expect(known).toBe(false);
    say();
    await other.known;
  }
  peers.change(["z"], ["x"]);
  expect(peers.giveUp()).toEqual(["y", "z"]);
  expect(peers.count).toBe(0);
});
