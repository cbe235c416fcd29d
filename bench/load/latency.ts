/** One client on each worker: the first makes its worker broadcast at a steady pace, the others note when it arrives. */
import { quantile } from "../quantile";
import { loadOptions, tell, WARM_UP_MS } from "./report";
import { openOnEach } from "./websocket";

const INTERVAL_MS = 5;

const { port, seconds, size, clients, processes } = loadOptions();

void main();

async function main(): Promise<void> {
  const sentAt: number[] = [];
  const got: number[] = Array(clients).fill(0);
  let latencies: number[] = [];
  const [sender] = await openOnEach(port, clients, processes, "", (i, packet) => {
    if (packet.startsWith('42["packet"')) latencies.push(performance.now() - sentAt[got[i]!++]!);
  });
  const timer = setInterval(() => {
    sentAt.push(performance.now());
    sender!.send(`42["flood","",${size},1]`);
  }, INTERVAL_MS);
  setTimeout(() => {
    latencies = [];
    tell("begin");
  }, WARM_UP_MS);
  setTimeout(
    () => {
      clearInterval(timer);
      const [p50Ms, p99Ms] = [quantile(latencies, 0.5), quantile(latencies, 0.99)];
      tell({ count: latencies.length, failed: 0, p50Ms, p99Ms });
    },
    WARM_UP_MS + seconds * 1000,
  );
}
