import { Writable } from "node:stream";
import { array, assert, asyncProperty, boolean, integer, nat, record } from "fast-check";
import { expect, test } from "vitest";
import { TickWriter } from "../../../../src/primary/workers/tick-writer";

/** Keeps each write, as often as the operating system is called. */
class Sink extends Writable {
  readonly calls: Buffer[][] = [];
  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    this.calls.push(chunks.map(({ chunk }) => chunk));
    callback();
  }
}

const tick = () => new Promise<void>((resolve) => process.nextTick(resolve));

test("frames that lie side by side are one write, the others leave with them in one call", async () => {
  const sink = new Sink();
  const writer = new TickWriter(sink);
  const chunk = Buffer.from("one two three four");
  const parts = [chunk.subarray(0, 4), chunk.subarray(4, 8), chunk.subarray(13), chunk.subarray(8, 13)];
  for (const part of parts) writer.write(part);
  expect(writer.waitingBytes).toBe(18);
  expect(sink.calls).toEqual([]);
  await tick();
  expect(sink.calls.map((parts) => parts.map(String))).toEqual([["one two ", " four", "three"]]);
  expect(writer.waitingBytes).toBe(0);
});

test("nothing is written after the stream was destroyed", async () => {
  const sink = new Sink();
  const writer = new TickWriter(sink);
  writer.write(Buffer.from("late"));
  sink.destroy();
  await tick();
  expect(sink.calls).toEqual([]);
});

test("whatever lies side by side, all bytes arrive in order", async () => {
  const frames = array(
    record({ size: integer({ min: 1, max: 20 }), apart: boolean(), ends: boolean(), which: nat(1) }),
  );
  await assert(
    asyncProperty(frames, async (frames) => {
      const sink = new Sink();
      const writer = new TickWriter(sink);
      const memories = [Buffer.alloc(1000, "abcdefghijklmnopqrstuvwxyz"), Buffer.alloc(1000, "0123456789")];
      const sent: Buffer[] = [];
      let at = 0;
      let waiting = 0;
      for (const { size, apart, ends, which } of frames) {
        const memory = memories[which]!;
        if (apart || at + size > memory.length) at = (at + 7) % 500;
        const frame = memory.subarray(at, at + size);
        at += size;
        sent.push(frame);
        writer.write(frame);
        waiting += size;
        expect(writer.waitingBytes).toBe(waiting);
        if (!ends) continue;
        await tick();
        waiting = 0;
      }
      await tick();
      expect(Buffer.concat(sink.calls.flat())).toEqual(Buffer.concat(sent));
    }),
  );
});
