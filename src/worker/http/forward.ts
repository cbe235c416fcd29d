// SPDX-License-Identifier: MIT
import { Agent, type IncomingMessage, request, type ServerResponse } from "node:http";
import { CLIENT_HEADER, clientOf } from "./client-address";
import { passEndOn } from "./half-close";
import { endToEnd, endToEndByName, takeHeader } from "./headers";

/**
 * Set by a worker that wants to end but has passed on a poll, which the owner would leave open until it has
 * something to send. The owner is to answer the session's open poll soon, with nothing if need be; then the
 * client asks again, on a connection that leads elsewhere. "1" stands on requests that are passed on from
 * then on; "0" on a request that is sent for this purpose alone, for the sake of a poll that was passed on
 * before.
 */
const HURRY_HEADER = "pm2-socket.io-hurry";
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
  headers[CLIENT_HEADER] = clientOf(req.socket);

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

/**
 * Whether another worker wants the session's open poll to be answered soon. "with it": this request says so
 * by the way. "instead of it": saying so is the only purpose of this request. Removes the header.
 */
export function takeHurry(req: IncomingMessage): "with it" | "instead of it" | undefined {
  const value = takeHeader(req, HURRY_HEADER);
  if (value === undefined) return undefined;
  return value === "0" ? "instead of it" : "with it";
}
