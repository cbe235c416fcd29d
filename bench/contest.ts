import { type Program, type Serving, type Setup, start } from "./programs";
import { NO_REDIS, redisVersion } from "./redis";
import type { Results } from "./results";
import { note } from "./table";

/** Whose ways to serve clients differ. The others differ from these in their adapters only. */
const SERVERS: readonly Program[] = ["pm2-socket.io", "@socket.io/pm2", "plain process"];

/** Those whose clients can come back. */
export const RECOVERING: readonly Program[] = ["pm2-socket.io", "redis-streams-adapter", "plain process"];

/** Those of the programs that can run here: without Redis, those that need it cannot. */
export function runnable(programs: readonly Program[]): readonly Program[] {
  if (redisVersion() !== undefined) return programs;
  note(NO_REDIS);
  return programs.filter((program) => !program.startsWith("redis-"));
}

/** Lets one contender after the other do the same. One that fails leaves its cell to say so. */
export async function contest<T>(
  what: string,
  run: (serving: Serving, program: Program) => Promise<T>,
  programs: readonly Program[] = SERVERS,
  setup: Partial<Setup> = {},
): Promise<Results<T>> {
  const results: Results<T> = {};
  for (const program of programs) {
    note(`${what}: ${program}`);
    const result = await attempt(`${what}: ${program}`, async () => {
      const serving = await start(program, setup);
      try {
        return await run(serving, program);
      } finally {
        await serving.stop();
      }
    });
    if (result !== undefined) results[program] = result;
  }
  return results;
}

/** Says so if it fails, and goes on. */
export async function attempt<T>(what: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    note(`${what} failed: ${(error as Error).message}`);
    process.exitCode = 1;
    return undefined;
  }
}
