import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { onTestFinished } from "vitest";

/** Socket.IO clients that end with the test. */
export function clients(
  port: number,
  count: number,
  options: Partial<ManagerOptions & SocketOptions> & { namespace?: string } = {},
): Socket[] {
  const { namespace = "/", ...rest } = options;
  const made = Array.from({ length: count }, () =>
    io(`http://127.0.0.1:${port}${namespace}`, { forceNew: true, transports: ["websocket"], ...rest }),
  );
  onTestFinished(() => {
    for (const client of made) client.close();
  });
  return made;
}

/** Like {@link clients}, connected. */
export async function connectedClients(...args: Parameters<typeof clients>): Promise<Socket[]> {
  const made = clients(...args);
  await Promise.all(made.map(connected));
  return made;
}

/** Waits until a client is connected; fails if it is refused. */
export function connected(client: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    if (client.connected) resolve();
    client.once("connect", resolve);
    client.once("connect_error", reject);
  });
}

/** Waits until a client that began with polling has moved to WebSocket. */
export function upgraded(client: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const check = () => {
      const { engine } = client.io;
      if (engine.transport.name === "websocket") resolve();
      engine.once("upgrade", () => resolve());
      engine.once("upgradeError", reject);
    };
    if (client.connected) check();
    else client.once("connect", check);
    client.once("connect_error", reject);
  });
}

/** The next time a client hears an event: its arguments. */
export function hears(client: Socket, event: string): Promise<unknown[]> {
  return new Promise((resolve) => client.once(event, (...args) => resolve(args)));
}
