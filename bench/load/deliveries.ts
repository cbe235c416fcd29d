/**
 * One client on each worker: the first makes its worker broadcast, in bursts, the others count what arrives. The next burst
 * begins when all have got the one before the last. With `room` only the last client is in it, and on its worker.
 */
import { Counter, loadOptions } from "./report";
import { openOnEach } from "./websocket";

const BURSTS_UNDER_WAY = 2;

const { port, seconds, size, clients, processes, burst, room } = loadOptions();

void main();

async function main(): Promise<void> {
  let counter: Counter | undefined;
  const got: number[] = Array(clients).fill(0);
  const [sender] = await openOnEach(port, clients, processes, room, (i, packet) => {
    if (!packet.startsWith('42["packet"')) return;
    counter?.succeeded();
    got[i]!++;
    if (got[i]! % burst === 0 && listeners().every((j) => got[j]! >= got[i]!)) send();
  });
  const listeners = () => (room ? [clients - 1] : got.map((_, i) => i).slice(1));
  const send = () => sender!.send(`42["flood","${room}",${size},${burst}]`);
  counter = new Counter(seconds);
  for (let i = 0; i < BURSTS_UNDER_WAY; i++) send();
}
