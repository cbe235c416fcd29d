import { array, assert, oneof, property, string, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { FrameError } from "../../../src/protocol/codec";
import { packParts, unpackParts } from "../../../src/protocol/encoded-packet";

const parts = array(
  oneof(
    string({ unit: "grapheme" }),
    uint8Array().map((bytes) => Buffer.from(bytes)),
  ),
);

test("any packet comes out as it went in", () => {
  assert(
    property(parts, (packet) => {
      expect(unpackParts(packParts(packet))).toEqual(packet);
    }),
  );
});

test("an attachment does not keep the chunk it came in", () => {
  const chunk = Buffer.concat([Buffer.alloc(100_000), packParts([Buffer.from("x")])]);
  const [attachment] = unpackParts(chunk.subarray(100_000));
  expect((attachment as Buffer).buffer.byteLength).toBeLessThan(100_000);
});

test("garbage is a packet or a FrameError, never another exception", () => {
  assert(
    property(uint8Array(), (bytes) => {
      try {
        unpackParts(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
  );
});
