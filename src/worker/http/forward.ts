// SPDX-License-Identifier: MIT
import { Agent, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Passing a request on to the worker that owns its session, over that worker's private address. Bodies stream both
 * ways; the owner sees the client's address, not ours.
 */
const CLIENT_HEADER = "pm2-socket.io-client";
/** The poll is to be answered soon, with nothing if there is nothing: who passes it on wants to end. */
const HURRY_HEADER = "pm2-socket.io-hurry";
/** Headers that concern one connection only (RFC 9110, 7.6.1), and `expect`, which was answered already. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
]);

const agent = new Agent({ keepAlive: true });

/** The requests that are on their way: what asks for the answer to come soon. */
const underWay = new Set<() => void>();
let hurried = false;

/** This worker wants to end: polls that it has passed on, or will, are answered soon. */
export function hurryForwarded(): void {
  hurried = true;
  for (const hurry of underWay) hurry();
}

/**
 * @param onUnreachable called instead of answering if the owner cannot be reached and nothing is lost yet
 */
export function forward(
  req: IncomingMessage,
  res: ServerResponse,
  address: string,
  onUnreachable: () => void,
): void {
  const headers = endToEndByName(req.rawHeaders);
  const { remoteAddress, remotePort, remoteFamily } = req.socket;
  headers[CLIENT_HEADER] = `${remoteAddress} ${remotePort} ${remoteFamily}`;

  delete headers[HURRY_HEADER]; // not the client's to say
  if (hurried) headers[HURRY_HEADER] = "1";

  const hasBody =
    req.headers["content-length"] !== undefined || req.headers["transfer-encoding"] !== undefined;
  const upstream = request({ socketPath: address, method: req.method, path: req.url, headers, agent });
  // Nobody else can tell the owner which poll is meant; the answer to this says nothing.
  const hurry = () =>
    request({ socketPath: address, path: req.url, headers: { [HURRY_HEADER]: "0" }, agent }, (answer) =>
      answer.resume(),
    )
      .on("error", () => {})
      .end();
  underWay.add(hurry);
  res.once("close", () => underWay.delete(hurry));
  let bodyStarted = false;
  const start = () => {
    bodyStarted = hasBody;
    req.pipe(upstream);
  };
  upstream.on("socket", (socket) => {
    if (socket.connecting) socket.once("connect", start);
    else start();
  });
  let answered = false;
  passEndOn(req.socket, res, () => {
    if (answered) return;
    if (upstream.writableFinished) upstream.socket?.end();
    else upstream.once("finish", () => upstream.socket?.end());
  });
  upstream.on("response", (answer) => {
    answer.prependListener("end", () => {
      answered = true;
    });
    res.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders));
    answer.pipe(res);
    answer.on("error", () => res.destroy());
  });
  upstream.on("error", () => {
    if (res.headersSent || bodyStarted || res.destroyed) res.destroy();
    else onUnreachable();
  });
  res.on("close", () => {
    if (!res.writableFinished) upstream.destroy();
  });
}

/** Connections kept open for the answers to forwarded requests. */
const held = new WeakMap<Socket, { endUpstreams: Set<() => void>; ended: boolean }>();

/**
 * Node's server ends a connection as soon as its client has ended its side; what was answered at once is out by then.
 * The answer to a forwarded request takes longer: the client's end goes to the owner, whose server does the same, and
 * the connection stays open for what comes back.
 */
function passEndOn(socket: Socket, res: ServerResponse, endUpstream: () => void): void {
  const hold = held.get(socket) ?? holdOpen(socket);
  hold.endUpstreams.add(endUpstream);
  res.once("close", () => {
    hold.endUpstreams.delete(endUpstream);
    if (hold.endUpstreams.size > 0) return;
    held.delete(socket);
    Reflect.deleteProperty(socket, "end");
    if (hold.ended) socket.end();
  });
}

function holdOpen(socket: Socket) {
  const hold = { endUpstreams: new Set<() => void>(), ended: false };
  held.set(socket, hold);
  socket.end = () => {
    hold.ended = true;
    for (const endUpstream of hold.endUpstreams) endUpstream();
    return socket;
  };
  return hold;
}

/** Not `headersDistinct`: that fails once a header was taken from `rawHeaders`, as from a request of another worker. */
function endToEndByName(rawHeaders: string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null);
  const kept = endToEnd(rawHeaders);
  for (let i = 0; i < kept.length; i += 2) {
    const name = kept[i]!.toLowerCase();
    const value = kept[i + 1]!;
    const former = headers[name];
    headers[name] = former === undefined ? value : [former, value].flat();
  }
  return headers;
}

function endToEnd(rawHeaders: string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!HOP_BY_HOP.has(rawHeaders[i]!.toLowerCase())) kept.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return kept;
}

/**
 * Whether another worker wants the session's open poll to be answered soon: this request ("with it"), or one that came
 * before ("instead of it": this one is nothing else).
 */
export function takeHurry(req: IncomingMessage): "with it" | "instead of it" | undefined {
  const value = takeHeader(req, HURRY_HEADER);
  if (value === undefined) return undefined;
  return value === "0" ? "instead of it" : "with it";
}

function takeHeader(req: IncomingMessage, header: string): string | undefined {
  const value = req.headers[header];
  delete req.headers[header];
  const at = req.rawHeaders.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === header);
  if (at >= 0) req.rawHeaders.splice(at, 2);
  return value === undefined ? undefined : String(value);
}

/** A request that came over the private address: its socket speaks of the client from now on. */
export function adoptClient(req: IncomingMessage): void {
  const [address, port, family] = (takeHeader(req, CLIENT_HEADER) ?? "").split(" ");
  // One request at a time uses a connection of the other worker's agent, so this holds until the answer is out.
  define(req.socket, "remoteAddress", address && address !== "undefined" ? address : undefined);
  define(req.socket, "remotePort", port && port !== "undefined" ? Number(port) : undefined);
  define(req.socket, "remoteFamily", family && family !== "undefined" ? family : undefined);
}

function define(socket: Socket, name: string, value: unknown): void {
  Object.defineProperty(socket, name, { value, configurable: true, enumerable: true });
}
