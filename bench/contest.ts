import { type App, PROGRAMS, type Program, type Serving, start } from "./programs";
import { note, type Results } from "./table";

/** Lets one contender after the other do the same. One that fails leaves its cell to say so. */
export async function contest<T>(
  what: string,
  run: (serving: Serving) => Promise<T>,
  programs: readonly Program[] = PROGRAMS,
  app: App = "worker",
): Promise<Results<T>> {
  const results: Results<T> = {};
  for (const program of programs) {
    note(`${what}: ${program}`);
    try {
      const serving = await start(program, app);
      try {
        results[program] = await run(serving);
      } finally {
        await serving.stop();
      }
    } catch (error) {
      note(`${what}: ${program} failed: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
  return results;
}
