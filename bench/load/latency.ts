/** Clients broadcast in turns at a steady rate. Reports how long each packet is on its way from client to client. */
import { quantile } from "../quantile";
import { Broadcasts } from "./broadcasts";
import { type BroadcastOptions, Counter, loadOptions } from "./report";

const options = loadOptions<BroadcastOptions>();
const sentAt: number[] = [];
const latenciesMs: number[] = [];
let counter: Counter | undefined;

const broadcasts = new Broadcasts(options, (number) => {
  if (counter?.succeeded()) latenciesMs.push(performance.now() - sentAt[number]!);
});

void main();

async function main(): Promise<void> {
  await broadcasts.open();
  counter = new Counter(options.seconds, () => ({
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  }));
  const start = performance.now();
  setInterval(() => {
    // One at a time, also when this process was late: none of them is to wait for another.
    const number = sentAt.length;
    if (performance.now() < start + (number * 1000) / options.perSecond) return;
    sentAt.push(performance.now());
    broadcasts.broadcast(broadcasts.senders[number % broadcasts.senders.length]!, number);
  }, 1);
}
