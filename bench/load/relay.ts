/** Each broadcast that has reached all its receivers causes the next. Counts packets that arrived. */
import { Broadcasts } from "./broadcasts";
import { type BroadcastOptions, Counter, loadOptions } from "./report";

const IN_FLIGHT_EACH = 100;
const BYTES_IN_FLIGHT_EACH = 256 * 1024;

const options = loadOptions<BroadcastOptions>();
const delivered: number[] = [];
let counter: Counter | undefined;

const broadcasts = new Broadcasts(options, (sender) => {
  counter?.succeeded();
  delivered[sender] = (delivered[sender] ?? 0) + 1;
  if (delivered[sender]! % broadcasts.receivers === 0) broadcasts.broadcast(sender, sender);
});

void main();

async function main(): Promise<void> {
  await broadcasts.open();
  counter = new Counter(options.seconds);
  const inFlight = Math.max(1, Math.min(IN_FLIGHT_EACH, BYTES_IN_FLIGHT_EACH / options.size));
  for (const sender of broadcasts.senders) {
    for (let i = 0; i < inFlight; i++) broadcasts.broadcast(sender, sender);
  }
}
