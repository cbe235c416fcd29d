import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PrimaryLink } from "../../../../src/primary/workers/link";
import { encodeFrame } from "../../../../src/protocol/codec";
import { clock } from "../../../helpers/clock";

const LIMITS = { linkBufferBytes: 4000, linkTimeoutMs: 1000 };

/** A pipe that keeps what is written until its worker reads it. */
class FakePipe extends EventEmitter {
  readonly writes: number[] = [];
  writableLength = 0;
  destroyed = false;
  private corked = 0;
  private batch = 0;

  cork(): void {
    this.corked++;
  }

  uncork(): void {
    if (--this.corked > 0) return;
    this.writes.push(this.batch);
    this.batch = 0;
  }

  write(bytes: Buffer): void {
    this.writableLength += bytes.length;
    if (this.corked > 0) this.batch += bytes.length;
    else this.writes.push(bytes.length);
  }

  /** The worker reads so many of the bytes that wait. */
  read(bytes = this.writableLength): void {
    this.writableLength -= bytes;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

function openLink() {
  const pipe = new FakePipe();
  const events = { onMessage: vi.fn(), onGarbage: vi.fn(), onStuck: vi.fn() };
  const link = new PrimaryLink("worker 0", clock, LIMITS, pipe as unknown as Socket, vi.fn(), events);
  return { pipe, link, ...events };
}

/** The same over IPC, where a message waits until its callback is called. */
function openIpcLink() {
  const callbacks: (() => void)[] = [];
  const events = { onMessage: vi.fn(), onGarbage: vi.fn(), onStuck: vi.fn() };
  const link = new PrimaryLink(
    "worker 0",
    clock,
    LIMITS,
    undefined,
    (_, callback) => callbacks.push(callback),
    events,
  );
  return { link, callbacks, ...events };
}

const tick = () => new Promise<void>((resolve) => process.nextTick(resolve));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what is sent in one tick leaves in one write", async () => {
  const { pipe, link } = openLink();
  for (let i = 0; i < 3; i++) link.sendBytes(Buffer.alloc(10));
  expect(pipe.writes).toEqual([]);
  await tick();
  expect(pipe.writes).toEqual([30]);
  link.sendBytes(Buffer.alloc(5));
  await tick();
  expect(pipe.writes).toEqual([30, 5]);
});

test("a worker is behind while more than a quarter of its buffer waits", async () => {
  const { pipe, link, onStuck } = openLink();
  link.sendBytes(Buffer.alloc(1000));
  expect(link.isBehind).toBe(false);
  link.sendBytes(Buffer.alloc(1));
  expect(link.isBehind).toBe(true);
  await tick();
  pipe.read(1);
  expect(link.isBehind).toBe(false);
  expect(onStuck).not.toHaveBeenCalled();
});

describe("a worker is stuck, once,", () => {
  test("when its buffer would overflow", () => {
    const { pipe, link, onStuck } = openLink();
    link.sendBytes(Buffer.alloc(4000));
    expect(onStuck).not.toHaveBeenCalled();
    link.sendBytes(Buffer.alloc(1));
    link.sendBytes(Buffer.alloc(1));
    expect(onStuck.mock.calls).toEqual([[4000]]);
    expect(pipe.destroyed).toBe(true);
  });

  test("when it reads nothing of what waits for the timeout", () => {
    const { pipe, link, onStuck } = openLink();
    link.sendBytes(Buffer.alloc(10));
    vi.advanceTimersByTime(900);
    link.sendBytes(Buffer.alloc(10));
    vi.advanceTimersByTime(99);
    expect(onStuck).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onStuck.mock.calls).toEqual([[20]]);
    expect(pipe.destroyed).toBe(true);
  });

  test("over IPC as over a pipe", () => {
    const { link, callbacks, onStuck } = openIpcLink();
    link.sendBytes(Buffer.alloc(1001));
    expect(link.isBehind).toBe(true);
    for (const callback of callbacks.splice(0)) callback();
    expect(link.isBehind).toBe(false);
    link.sendBytes(Buffer.alloc(10));
    // The watch that began with the first message sees that it was read, and looks once more.
    vi.advanceTimersByTime(2000);
    expect(onStuck.mock.calls).toEqual([[10]]);
  });
});

test("a frame larger than the buffer reaches a worker that has read all before", async () => {
  const { pipe, link, onStuck } = openLink();
  link.sendBytes(Buffer.alloc(100));
  await tick();
  pipe.read();
  link.sendBytes(Buffer.alloc(5000));
  await tick();
  expect(pipe.writableLength).toBe(5000);
  expect(onStuck).not.toHaveBeenCalled();
});

test("a worker that reads a little in each timeout is not stuck, however long it takes", async () => {
  const { pipe, link, onStuck } = openLink();
  link.sendBytes(Buffer.alloc(4000));
  await tick();
  for (let i = 0; i < 100; i++) {
    pipe.read(1);
    vi.advanceTimersByTime(1000);
  }
  expect(onStuck).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1000);
  expect(onStuck).toHaveBeenCalledOnce();
});

test("a worker that has read all has no deadline", async () => {
  const { pipe, link, onStuck } = openLink();
  link.sendBytes(Buffer.alloc(10));
  await tick();
  pipe.read();
  vi.advanceTimersByTime(10_000);
  expect(onStuck).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test("nothing is sent, heard or reported after the close", () => {
  const { pipe, link, ...events } = openLink();
  link.sendBytes(Buffer.alloc(10));
  const waiting = pipe.writableLength;
  link.close();
  link.send({ type: "adapters", changes: [] });
  pipe.emit("data", encodeFrame({ type: "drained" }));
  link.receiveIpc(encodeFrame({ type: "drained" }).toString("base64"));
  vi.advanceTimersByTime(10_000);
  expect(pipe.destroyed).toBe(true);
  expect(pipe.writableLength).toBe(waiting);
  for (const event of Object.values(events)) expect(event).not.toHaveBeenCalled();
});

test("a message after the one that closes the link is not heard", () => {
  const { pipe, link, onMessage } = openLink();
  onMessage.mockImplementation(() => link.close());
  const frame = encodeFrame({ type: "drained" });
  pipe.emit("data", Buffer.concat([frame, frame]));
  expect(onMessage).toHaveBeenCalledOnce();
});

test("a pipe that breaks closes the link quietly", () => {
  const { pipe, onStuck, onGarbage } = openLink();
  pipe.emit("error", new Error("EPIPE"));
  expect(pipe.destroyed).toBe(true);
  expect(onStuck).not.toHaveBeenCalled();
  expect(onGarbage).not.toHaveBeenCalled();
});

test("garbage closes the link and says why, over a pipe and over IPC", () => {
  const { pipe, onGarbage, onMessage } = openLink();
  const garbage = Buffer.from([1, 0, 0, 0, 99]);
  pipe.emit("data", garbage);
  pipe.emit("data", encodeFrame({ type: "drained" }));
  expect(onGarbage.mock.calls).toEqual([["unknown kind 99"]]);
  expect(onMessage).not.toHaveBeenCalled();
  expect(pipe.destroyed).toBe(true);

  const ipc = openIpcLink();
  ipc.link.receiveIpc(garbage.toString("base64"));
  ipc.link.receiveIpc(garbage.toString("base64"));
  expect(ipc.onGarbage.mock.calls).toEqual([["unknown kind 99"]]);
});
