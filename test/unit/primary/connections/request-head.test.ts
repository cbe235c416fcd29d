import { array, assert, constantFrom, integer, oneof, property, string, tuple, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { type Scan, scanHead } from "../../../../src/primary/connections/request-head";

const scan = (text: string) => scanHead(Buffer.from(text, "latin1"));

describe("examples", () => {
  test.each<[string, Scan]>([
    ["", { state: "more" }],
    ["GET", { state: "more" }],
    ["GET /socket.io/?EIO=4&sid=abc HTTP/1.1", { state: "more" }],
    ["GET / HTTP/1.1\r\n", { state: "complete" }],
    ["GET / HTTP/1.0\n", { state: "complete" }],
    ["\r\n\r\nGET / HTTP/1.1\r\n", { state: "complete" }],
    ["M-SEARCH * HTTP/1.1\r\n", { state: "complete" }],
    ["GET /?EIO=4&sid=abc HTTP/1.1\r\n", { state: "complete", sessionId: "abc" }],
    ["GET http://host/?sid=abc HTTP/1.1\r\n", { state: "complete", sessionId: "abc" }],
    ["GET /sid=abc HTTP/1.1\r\n", { state: "complete" }],
    ["GET /?a=sid=abc HTTP/1.1\r\n", { state: "complete" }],
    ["GET /?xsid=abc HTTP/1.1\r\n", { state: "complete" }],
    ["GET / HTTP/1.1\r\nReferer: /?sid=abc\r\nCookie: sid=abc\r\n\r\nsid=abc", { state: "complete" }],
    ["get / HTTP/1.1\r\n", { state: "malformed" }],
    ["GET / HTTP/2.0\r\n", { state: "malformed" }],
    ["GET  / HTTP/1.1\r\n", { state: "malformed" }],
    ["GET /\r\n", { state: "malformed" }],
    [" GET", { state: "malformed" }],
    ["\x16\x03\x01", { state: "malformed" }],
    ["\r\n".repeat(5), { state: "malformed" }],
    ["A".repeat(25), { state: "malformed" }],
  ])("%j", (text, expected) => {
    expect(scan(text)).toEqual(expected);
  });
});

const bytes = uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array).toString("latin1"));
const requests = tuple(
  constantFrom("GET", "POST", "M-SEARCH", "\r\nGET", "get"),
  constantFrom("/", "/socket.io/?EIO=4&sid=AbC-_9", "/?sid=%20", "/a b", "*"),
  constantFrom("HTTP/1.1\r\n", "HTTP/1.0\n", "HTTP/2\r\n", "HTTP/1.1"),
  bytes,
).map(([method, target, version, rest]) => `${method} ${target} ${version}${rest}`);
const anything = oneof(bytes, requests);

test("any bytes get a verdict", () => {
  assert(property(anything, (text) => ["more", "complete", "malformed"].includes(scan(text).state)));
});

test("a verdict other than 'more' is final: further bytes do not change it, whatever the chunking", () => {
  assert(
    property(anything, anything, array(integer({ min: 0, max: 300 })), (text, rest, cuts) => {
      const whole = scan(text + rest);
      for (const cut of [...cuts, text.length]) {
        const prefix = scan((text + rest).slice(0, cut));
        if (prefix.state !== "more") expect(prefix).toEqual(whole);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a sid counts only as a query parameter of the request target", () => {
  const word = string({ unit: constantFrom(..."abcXYZ019-_/") });
  assert(
    property(word, word, word, (path, sid, other) => {
      const sessionId = sid || undefined;
      expect(scan(`GET /${path}?a=${other}&sid=${sid}&b=${other} HTTP/1.1\r\n`)).toEqual(
        sessionId ? { state: "complete", sessionId } : { state: "complete" },
      );
      const elsewhere = `POST /sid=${sid}/${path}#?sid=${sid} HTTP/1.1\r\nCookie: sid=${sid}\r\n\r\n?sid=${sid}`;
      expect(scan(elsewhere).state).toBe("complete");
      expect(scan(elsewhere.replace("#", ""))).toEqual(
        sessionId ? { state: "complete", sessionId } : { state: "complete" },
      );
    }),
  );
});
