/**
 * Clients with long polling: each holds a session over one kept-alive connection (if the server lets it), sends and
 * fetches in turn, says goodbye and comes back with a new session over a new connection. Counts requests.
 */
import { HttpConnection } from "./http-connection";
import { Counter, loadOptions } from "./report";

const CLIENTS = 64;
const ECHOES_PER_SESSION = 50;
const PATH = "/socket.io/?EIO=4&transport=polling";

const { port, seconds } = loadOptions();
const counter = new Counter(seconds);

for (let i = 0; i < CLIENTS; i++) void client();

async function client(): Promise<never> {
  for (;;) {
    const http = new HttpConnection(port);
    try {
      await session(http);
    } catch {
      counter.failed();
    }
    http.close();
  }
}

async function session(http: HttpConnection): Promise<void> {
  const opened = await http.get(PATH);
  counter.succeeded();
  const path = `${PATH}&sid=${/"sid":"([^"]+)"/.exec(opened)![1]}`;
  await exchange(http, path, "40");
  for (let i = 0; i < ECHOES_PER_SESSION; i++) await exchange(http, path, '42["echo","hello"]');
  await http.post(path, "1");
  counter.succeeded();
}

async function exchange(http: HttpConnection, path: string, packet: string): Promise<void> {
  await http.post(path, packet);
  counter.succeeded();
  await http.get(path);
  counter.succeeded();
}
