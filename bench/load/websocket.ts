import { connect } from "node:net";
import { FrameReader } from "./frame-reader";

/** A Socket.IO client over WebSocket: no more than the loads need, and cheap. */

const TIMEOUT_MS = 10_000;
const PATH = "/socket.io/?EIO=4&transport=websocket";
const HEADERS =
  "Host: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
const TEXT = 0x81;
const CLOSE = 0x88;

export interface Client {
  /** The pid of the process that answered. */
  worker: string | undefined;
  send(packet: string): void;
  close(): void;
}

export interface Wishes {
  /** What is added to the request's query. */
  query?: string;
  /** Called when the connection has ended, if the namespace was joined. */
  onClose?(): void;
}

/**
 * Connects; resolves once the namespace is joined, rejects if anything else happens before.
 *
 * @param onPacket called with each Engine.IO packet after that, except pings, which are answered
 */
export function open(
  port: number,
  onPacket: (packet: string) => void = () => {},
  { query = "", onClose = () => {} }: Wishes = {},
): Promise<Client> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    const frames = new FrameReader();
    let head: string | undefined;
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const receive = (text: string) => {
      if (text.startsWith("0")) {
        socket.write(frameOf(TEXT, "40"));
      } else if (text.startsWith("40")) {
        socket.setTimeout(0);
        socket.once("close", onClose);
        resolve({
          worker: /\r\nx-pid: (\d+)/.exec(head!)?.[1],
          send: (packet) => {
            // All packets of a tick in one go.
            if (socket.writableCorked === 0) {
              socket.cork();
              process.nextTick(() => socket.uncork());
            }
            socket.write(frameOf(TEXT, packet));
          },
          close: () => socket.end(frameOf(CLOSE, "")),
        });
      } else if (text === "2") {
        socket.write(frameOf(TEXT, "3"));
      } else {
        onPacket(text);
      }
    };
    socket.setNoDelay(true);
    socket.setTimeout(TIMEOUT_MS, () => fail(new Error("timeout")));
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("closed")));
    socket.once("connect", () => socket.write(`GET ${PATH}${query} HTTP/1.1\r\n${HEADERS}`));
    let headBytes = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      if (head === undefined) {
        headBytes = Buffer.concat([headBytes, chunk]);
        const end = headBytes.indexOf("\r\n\r\n");
        if (end === -1) return;
        head = headBytes.toString("latin1", 0, end);
        if (!head.startsWith("HTTP/1.1 101")) return fail(new Error(head));
        frames.push(headBytes.subarray(end + 4));
      } else {
        frames.push(chunk);
      }
      for (let text = frames.next(); text !== undefined; text = frames.next()) receive(text);
    });
  });
}

/** A frame of at most 125 bytes. Clients must mask; with zeros the bytes stay as they are. */
function frameOf(kind: number, text: string): Buffer {
  const frame = Buffer.alloc(6 + text.length);
  frame[0] = kind;
  frame[1] = 0x80 | text.length;
  frame.write(text, 6, "latin1");
  return frame;
}
