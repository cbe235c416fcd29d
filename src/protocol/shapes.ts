// SPDX-License-Identifier: MIT
import { FrameError } from "./codec";
import { MAX_SCOPE_TEXT, type Message, type ToPrimary } from "./messages";

/**
 * Checks the messages of workers. Each is checked once, where it comes in, so that the rest of the primary can
 * rely on the types of `messages.ts`, whatever a faulty worker may send. Payloads are not checked: the primary
 * never looks into them.
 */
type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
/** A text whose length is bounded because the primary keeps it for each Socket.IO server of each worker. */
const shortText: Check = (value) => typeof value === "string" && value.length <= MAX_SCOPE_TEXT;
const number: Check = (value) => Number.isFinite(value);
const u32: Check = (value) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
const flag: Check = (value) => typeof value === "boolean";
const bytes: Check = (value) => value instanceof Uint8Array;
const plain: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

function shape(fields: Record<string, Check>): Check {
  const entries = Object.entries(fields);
  return (value) => {
    if (!plain(value)) return false;
    for (const [name, check] of entries) if (!check((value as Record<string, unknown>)[name])) return false;
    return true;
  };
}

/** Workers have a few HTTP servers. A higher number than this is taken for an error. */
const MAX_SERVERS = 10_000;
const serverNumber: Check = (value) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_SERVERS;
const texts = list(text);
const nothing = shape({});
const address = shape({
  port: optional(number),
  host: optional(text),
  path: optional(text),
  backlog: optional(number),
  ipv6Only: optional(flag),
  readableAll: optional(flag),
  writableAll: optional(flag),
  nth: optional(number),
});
const place = { scope: u32, nsp: text };
const session = { ...place, at: number, sid: text };
const pending = shape({ data: text, binary: flag });
const movedSocket = shape({ nsp: text, pid: text, order: number });
const movedSession = shape({
  scope: u32,
  listener: optional(number),
  sid: text,
  transport: (value) => value === "websocket" || value === "polling",
  url: text,
  rawHeaders: texts,
  remoteAddress: optional(text),
  pending: list(pending),
  namespaces: list(movedSocket),
});

/**
 * Targets that were checked before. The codec returns the very same object for packets to the same clients that come in
 * a row, and so such a target is checked only once (benchmark row `relay`).
 */
const checkedTargets = new WeakSet<object>();
const isTarget = shape({ nsp: text, rooms: texts, except: texts });
const target: Check = (value) => {
  if (checkedTargets.has(value as object)) return true;
  if (!isTarget(value)) return false;
  checkedTargets.add(value as object);
  return true;
};

const SHAPES: Record<ToPrimary["type"], Check> = {
  hello: shape({ version: number }),
  serve: shape({ server: serverNumber, wants: optional(address), main: flag }),
  attached: shape({ server: serverNumber, path: text, main: flag }),
  unserve: shape({ server: serverNumber }),
  accepted: shape({ seq: number }),
  refused: shape({ seq: number }),
  load: shape({ sessions: number, connections: number, forwarded: number, closed: number }),
  claim: shape({ seq: number, id: text }),
  unclaim: shape({ id: text }),
  whose: shape({ seq: number, id: text }),
  "scope-open": shape({ scope: u32, path: shortText, address: optional(shortText) }),
  "scope-address": shape({ scope: u32, address: shortText }),
  "scope-close": shape({ scope: u32 }),
  "adapter-open": shape({
    ...place,
    uid: text,
    recoverableMs: optional(number),
    pongMs: optional(number),
  }),
  "adapter-close": shape({ uid: text }),
  "session-open": shape({ ...session, pid: text, rooms: texts, data: text }),
  "session-rooms": shape({ ...session, joined: texts, left: texts }),
  "session-data": shape({ ...session, data: text }),
  "session-lost": shape({ ...session, data: text }),
  "session-over": shape(session),
  surrendered: shape(session),
  restore: shape({ ...place, at: number, seq: number, pid: text, offset: text }),
  move: shape({ session: movedSession }),
  adopted: shape({ sid: text, ok: flag }),
  drained: nothing,
  cast: shape({
    scope: u32,
    order: optional(number),
    time: optional(number),
    target,
    payload: bytes,
  }),
  interest: shape({ ...place, joined: texts, left: texts }),
  publish: shape({
    ...place,
    joins: optional(texts),
    asks: optional(texts),
    seq: optional(number),
    payload: bytes,
  }),
  settled: shape({ ...place, rooms: texts }),
  respond: shape({ uid: text, payload: bytes }),
};

/**
 * Returns the message as one that a worker may send. Throws {@link FrameError} if it is not one, or has a wrong shape.
 */
export function fromWorker(message: Message): ToPrimary {
  const { type } = message;
  if (!Object.hasOwn(SHAPES, type)) throw new FrameError(`unknown message "${type.slice(0, 40)}"`);
  if (!SHAPES[type as ToPrimary["type"]](message)) throw new FrameError(`"${type}" has a wrong shape`);
  return message as ToPrimary;
}
