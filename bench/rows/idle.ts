import { median } from "../median";
import { BIN, Pm2 } from "../pm2";
import { rssBytes } from "../proc";
import { note, type Row } from "../table";
import { pause } from "../until";
import { atMostMore } from "../wanted";

const DAEMONS = 3;
const REST_MS = 2000;

/** What a daemon without any app holds. */
export async function idle(): Promise<Row[]> {
  note("idle: pm2-socket.io and stock pm2");
  const ours: number[] = [];
  const stock: number[] = [];
  for (let i = 0; i < DAEMONS; i++) {
    ours.push(await idleMegabytes(BIN.ours));
    stock.push(await idleMegabytes(BIN.stock));
  }
  const figures = { "pm2-socket.io": median(ours), "stock pm2": median(stock) };
  return [{ title: "idle daemon, MB", figures, digits: 1, verdict: atMostMore(figures, 10, "stock pm2") }];
}

async function idleMegabytes(bin: string): Promise<number> {
  const pm2 = new Pm2(bin);
  await pm2.run("ping");
  await pause(REST_MS);
  const megabytes = rssBytes(pm2.pid) / 1e6;
  await pm2.stop();
  return megabytes;
}
