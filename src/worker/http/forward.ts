// SPDX-License-Identifier: MIT
import { Agent, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * A request is passed on to the worker that owns its session, over that worker's private address. Bodies
 * stream both ways. This header tells the owner the client's address, which the app there sees in place of
 * ours.
 */
const CLIENT_HEADER = "pm2-socket.io-client";
/**
 * Set by a worker that wants to end but has passed on a poll, which the owner would leave open until it has
 * something to send. The owner is to answer the session's open poll soon, with nothing if need be; then the
 * client asks again, on a connection that leads elsewhere. "1" stands on requests that are passed on from
 * then on; "0" on a request that is sent for this purpose alone, for the sake of a poll that was passed on
 * before.
 */
const HURRY_HEADER = "pm2-socket.io-hurry";
/**
 * Headers that concern a single connection (RFC 9110, 7.6.1), and `expect`, which this worker has answered
 * already.
 */
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

/**
 * For each request that was passed on and is not answered yet: the function that asks the owner to answer
 * soon.
 */
const underWay = new Set<() => void>();
let hurried = false;

/**
 * This worker wants to end: asks that the polls which it has passed on, and those that it will, are answered
 * soon.
 */
export function hurryForwarded(): void {
  hurried = true;
  for (const hurry of underWay) hurry();
}

/**
 * Passes a request on to its owner, and the owner's answer back to the client.
 *
 * @param address the private address of the owner's server
 * @param onUnreachable is called if the owner cannot be reached and no byte of the body was sent, so that the
 *   request can still be served in another way. After that it can only be cut off.
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
  // The URL of the poll tells the owner whose poll to answer, so this second request repeats it. Its own
  // answer is empty; the one that matters is the answer to the poll.
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

/** The clients' connections that are kept open until their forwarded requests are answered. */
const held = new WeakMap<Socket, { endUpstreams: Set<() => void>; ended: boolean }>();

/**
 * Keeps a half-closed connection open until its forwarded request is answered. When a client ends its side,
 * Node's HTTP server ends the other side too, at once; whatever the app answered in time is written by then.
 * The answer to a forwarded request takes longer. So the client's end is passed on to the owner, whose Node
 * does the same there, and the connection here is ended only after the answer.
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

/**
 * The headers by name, with lists for those that occur more than once. Node's `headersDistinct` would do the
 * same, but fails once a header was removed from `rawHeaders`, as it is from the requests of other workers.
 */
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
 * Whether another worker wants the session's open poll to be answered soon. "with it": this request says so
 * by the way. "instead of it": saying so is the only purpose of this request. Removes the header.
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

/** Makes the socket of a request that another worker has passed on show the address of the client. */
export function adoptClient(req: IncomingMessage): void {
  const [address, port, family] = (takeHeader(req, CLIENT_HEADER) ?? "").split(" ");
  // The other worker's agent sends one request at a time on a connection, so this holds until the answer is
  // out.
  define(req.socket, "remoteAddress", address && address !== "undefined" ? address : undefined);
  define(req.socket, "remotePort", port && port !== "undefined" ? Number(port) : undefined);
  define(req.socket, "remoteFamily", family && family !== "undefined" ? family : undefined);
}

function define(socket: Socket, name: string, value: unknown): void {
  Object.defineProperty(socket, name, { value, configurable: true, enumerable: true });
}
