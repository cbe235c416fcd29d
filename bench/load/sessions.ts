/** Opens WebSocket sessions that then do nothing. Counts those that are open. */
import { pause } from "../until";
import { loadOptions, tell } from "./report";
import { type Client, open } from "./websocket";

const AT_ONCE = 32;
const WARM_UP_SESSIONS = 200;
/** For the memory to settle. */
const REST_MS = 1000;

const { port, sessions } = loadOptions();

void main();

async function main(): Promise<void> {
  for (const client of await openMany(WARM_UP_SESSIONS)) client.close();
  await pause(REST_MS);
  tell("begin");
  const { length } = await openMany(sessions);
  await pause(REST_MS);
  tell({ count: length, failed: sessions - length });
}

async function openMany(count: number): Promise<Client[]> {
  const clients: Client[] = [];
  let left = count;
  const some = async () => {
    while (left-- > 0) {
      try {
        clients.push(await open(port));
      } catch {
        // It is missing in the count.
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  return clients;
}
