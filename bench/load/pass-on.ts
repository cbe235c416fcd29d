/**
 * What Node alone does in this shape: a process passes its sockets, a few at a time, to its parent, and that passes each
 * to another child, which says that it has it. No handover can be faster.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket, connect as tcp } from "node:net";

const SOCKETS = 1000;
const AT_ONCE = 16;

type Role = "parent" | "from" | "to";
const role = (process.argv[2] ?? "parent") as Role;
process.once("disconnect", () => process.exit());
({ parent, from, to })[role]();

async function parent(): Promise<void> {
  const server = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
  await once(server, "listening");
  const [giver, taker] = [child("from"), child("to")];
  giver.send((server.address() as AddressInfo).port);
  await once(giver, "message");
  const start = performance.now();
  giver.send("begin");
  await new Promise<void>((resolve) => {
    let left = SOCKETS;
    giver.on("message", (message, socket) => taker.send(message, socket as Socket));
    taker.on("message", (message) => {
      giver.send(message);
      if (--left === 0) resolve();
    });
  });
  process.send?.(SOCKETS / ((performance.now() - start) / 1000));
}

function child(name: Role): ChildProcess {
  return fork(__filename, [name], { serialization: "advanced" });
}

async function from(): Promise<void> {
  const [port] = await once(process, "message");
  const sockets: Socket[] = [];
  for (let i = 0; i < SOCKETS; i++) {
    const socket = tcp(port, "127.0.0.1");
    await once(socket, "connect");
    sockets.push(socket);
  }
  process.send?.("ready");
  await once(process, "message");
  const pass = () => {
    const socket = sockets.pop();
    if (socket) process.send?.("socket", socket);
  };
  process.on("message", pass);
  for (let i = 0; i < AT_ONCE; i++) pass();
}

function to(): void {
  process.on("message", (message, socket) => {
    (socket as Socket).destroy();
    process.send?.(message);
  });
}
