import { join } from "node:path";
import { median } from "../median";
import { BIN, Pm2 } from "../pm2";
import type { Results } from "../results";
import { note, type Row } from "../table";
import { atMostTimes } from "../wanted";

const LISTS = 9;
const STARTS = 5;
const APP = join(__dirname, "../apps/idle.js");

/** Commands that have nothing to do with Socket.IO should cost what they cost in PM2. */
export async function commands(): Promise<Row[]> {
  const ours = new Pm2(BIN.ours);
  const stock = new Pm2(BIN.stock);
  await ours.run("ping");
  await stock.run("ping");
  note("commands: pm2 ls");
  const list = await inTurns(ours, stock, LISTS, (pm2) => pm2.time("ls"));
  note("commands: pm2 start, pm2 delete");
  const start = await inTurns(ours, stock, STARTS, async (pm2) => {
    const started = await pm2.time("start", APP, "--name", "idle");
    return started + (await pm2.time("delete", "idle"));
  });
  await ours.stop();
  await stock.stop();
  return [
    { title: "pm2 ls, ms", figures: list, digits: 0, verdict: atMostTimes(list, 1.1, "stock pm2") },
    {
      title: "pm2 start and delete, ms",
      figures: start,
      digits: 0,
      verdict: atMostTimes(start, 1.1, "stock pm2"),
    },
  ];
}

/** Alternates, so that whatever else the machine does hits both. The first run of each warms the caches up. */
async function inTurns(
  ours: Pm2,
  stock: Pm2,
  times: number,
  run: (pm2: Pm2) => Promise<number>,
): Promise<Results> {
  const ofOurs: number[] = [];
  const ofStock: number[] = [];
  for (let i = 0; i <= times; i++) {
    ofOurs.push(await run(ours));
    ofStock.push(await run(stock));
  }
  return { "pm2-socket.io": median(ofOurs.slice(1)), "stock pm2": median(ofStock.slice(1)) };
}
