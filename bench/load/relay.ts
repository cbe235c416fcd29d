/**
 * Two clients on two workers: one makes its worker broadcast, the other gets every packet by way of the primary and
 * causes the next. Counts packets that arrived.
 */
import { Counter, loadOptions } from "./report";
import { type Client, open } from "./websocket";

const IN_FLIGHT = 32;
const MAX_TRIES = 20;

const { port, seconds, size } = loadOptions();
const request = `42["broadcast",${size}]`;

void main();

async function main(): Promise<void> {
  let counter: Counter | undefined;
  const sender = await open(port);
  await openOnOtherWorker(sender, () => {
    counter?.succeeded();
    sender.send(request);
  });
  counter = new Counter(seconds);
  for (let i = 0; i < IN_FLIGHT; i++) sender.send(request);
}

async function openOnOtherWorker(one: Client, onPacket: () => void): Promise<Client> {
  for (let i = 0; i < MAX_TRIES; i++) {
    const other = await open(port, onPacket);
    if (other.worker !== one.worker) return other;
    other.close();
  }
  throw new Error("all clients are on one worker");
}
