/** Clients that connect over WebSocket, join the namespace and leave, many at a time. Counts those that joined. */
import { Counter, loadOptions } from "./report";
import { open } from "./websocket";

const CLIENTS = 64;

const { port, seconds } = loadOptions();
const counter = new Counter(seconds);

for (let i = 0; i < CLIENTS; i++) void client();

async function client(): Promise<never> {
  for (;;) {
    try {
      (await open(port)).close();
      counter.succeeded();
    } catch {
      counter.failed();
    }
  }
}
