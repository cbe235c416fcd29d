/** Makes sessions that can be restored, without clients. */
import { pause } from "../until";
import { Asker } from "./asker";
import { loadOptions, tell } from "./report";

const WARM_UP_SESSIONS = 2000;
/** For the memory to settle. */
const REST_MS = 1000;

const { port, sessions } = loadOptions();

void main();

async function main(): Promise<void> {
  const asker = await Asker.open(port);
  await asker.ask("make", -WARM_UP_SESSIONS, 0);
  await pause(REST_MS);
  tell("begin");
  await asker.ask("make", 0, sessions);
  await pause(REST_MS);
  tell({ count: sessions, failed: 0 });
}
