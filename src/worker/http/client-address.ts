// SPDX-License-Identifier: MIT
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { takeHeader } from "./headers";

/** Tells the owner of a session whose request is passed on to it the client's address, which the app there sees. */
export const CLIENT_HEADER = "pm2-socket.io-client";

/** The address of the client of a connection, for that header. */
export function clientOf({ remoteAddress, remotePort, remoteFamily }: Socket): string {
  return `${remoteAddress} ${remotePort} ${remoteFamily}`;
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
