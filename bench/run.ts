/**
 * `npm run bench -- [rows …] [--seconds n]`: this package beside `@socket.io/pm2`, one plain process and stock PM2.
 * Prints figures; none of them makes it fail.
 */
import { parseArgs } from "node:util";
import { header } from "./header";
import { commands } from "./rows/commands";
import { handshakes } from "./rows/handshakes";
import { idle } from "./rows/idle";
import { latency } from "./rows/latency";
import { memory } from "./rows/memory";
import { polling } from "./rows/polling";
import { recovery } from "./rows/recovery";
import { relay } from "./rows/relay";
import { reload } from "./rows/reload";
import { restore } from "./rows/restore";
import { rooms } from "./rows/rooms";
import { markRun } from "./run-mark";
import { note, type Row, renderTable } from "./table";

const ROWS: Record<string, (seconds: number) => Promise<Row[]>> = {
  polling,
  handshakes,
  memory,
  relay,
  rooms,
  latency,
  recovery,
  restore,
  reload,
  commands,
  idle,
};
const MAX_SECONDS = 10;
/** For each row. */
const DEADLINE_MS = 480_000;

const USAGE = `usage: npm run bench -- [${Object.keys(ROWS).join(" | ")} …] [--seconds 1…${MAX_SECONDS}]`;

interface Choice {
  names: string[];
  /** How long each load is counted. */
  seconds: number;
}

function choose(): Choice | undefined {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { seconds: { type: "string", default: "5" } },
    });
    const seconds = Number(values.seconds);
    const known = positionals.every((name) => Object.hasOwn(ROWS, name));
    if (!known || !(seconds >= 1 && seconds <= MAX_SECONDS)) return undefined;
    return { names: positionals.length > 0 ? positionals : Object.keys(ROWS), seconds };
  } catch {
    return undefined;
  }
}

async function run({ names, seconds }: Choice): Promise<void> {
  markRun();
  const rows: Row[] = [];
  const print = () => console.log(`\n${header(seconds)}\n\n${renderTable(rows)}`);
  for (const name of names) {
    const deadline = setTimeout(() => {
      print();
      note(`${name} was stopped after ${DEADLINE_MS / 1000} s; the rest is missing.`);
      process.exit(1);
    }, DEADLINE_MS);
    try {
      rows.push(...(await ROWS[name]!(seconds)));
    } catch (error) {
      note(`${name} failed: ${(error as Error).message}`);
      process.exitCode = 1;
    }
    clearTimeout(deadline);
  }
  print();
  process.exit();
}

const choice = choose();
if (choice) {
  void run(choice);
} else {
  console.error(USAGE);
  process.exitCode = 2;
}
