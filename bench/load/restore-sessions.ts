/** Restores the sessions that `make-sessions` made, with some packets each, on another worker if there is one. */
import { until } from "../until";
import { Asker } from "./asker";
import { loadOptions, tell } from "./report";

const MISSED = 5;
const MARK = /^42\["mark","([^"]+)"\]/;

const { port, sessions } = loadOptions();
const offsets: string[] = [];

void main();

async function main(): Promise<void> {
  const askers = [await Asker.open(port, receive), await Asker.open(port)] as const;
  const made: number[] = [];
  for (const asker of askers) made.push(await asker.ask<number>("lose"));
  const restorer = askers[made[0]! < made[1]! ? 0 : 1];
  // The first tells where the sessions were lost.
  for (let i = 0; i <= MISSED; i++) askers[0].tell("mark");
  await until(() => offsets.length > MISSED, "the marks");
  tell("begin");
  const count = await restorer.ask<number>("restore", 0, sessions, offsets[0]);
  tell({ count, failed: sessions - count });
}

function receive(packet: string): void {
  const offset = MARK.exec(packet)?.[1];
  if (offset !== undefined) offsets.push(offset);
}
