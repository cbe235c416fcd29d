// SPDX-License-Identifier: AGPL-3.0-only
import type { Action } from "../pm2/actions";
import type { DrainProgress } from "../pm2/drains";
import { requirePm2 } from "../pm2/internals";
import { LiveLines } from "./live-lines";

const INTERVAL_MS = 100;

/**
 * Shows, while PM2 stops, reloads or restarts workers, how many of their sessions they have given up. On a terminal
 * each worker has a line that is rewritten meanwhile. In any case a line says at its end what became of its sessions,
 * before PM2 writes that it is done. Nothing is shown for workers without sessions.
 */
export class Progress {
  private readonly live = process.stdout.isTTY ? new LiveLines(process.stdout as never) : undefined;
  private readonly running = new Set<number>();
  private timer: NodeJS.Timeout | undefined;

  /** Follows one action of PM2; to be passed to `applyClientSeams`. */
  readonly follow = async ({ id, startedMs, done, drains }: Action): Promise<void> => {
    if (isSilent()) return;
    this.running.add(id);
    this.timer ??= setInterval(async () => {
      for (const drain of await drains(startedMs)) this.update(drain);
    }, INTERVAL_MS);
    await done;
    this.running.delete(id);
    if (this.running.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
    const drain = (await drains(startedMs)).find((each) => each.id === id);
    this.live?.remove(id);
    if (drain && drain.sessions > 0) requirePm2("./lib/Common.js").printOut(lineOf(drain));
  };

  private update(drain: DrainProgress): void {
    if (this.running.has(drain.id) && drain.sessions > 0) this.live?.set(drain.id, lineOf(drain, true));
  }
}

function lineOf({ id, name, moved, closed, failed, sessions }: DrainProgress, running = false): string {
  const { PREFIX_MSG } = requirePm2("./constants.js") as { PREFIX_MSG: string };
  const rest = [closed > 0 && `${closed} closed`, failed > 0 && `${failed} failed`].filter(Boolean);
  const of = running ? ` of ${sessions}` : "";
  return `${PREFIX_MSG}[${name}](${id}) ${[`${moved}${of} sessions moved`, ...rest].join(", ")}`;
}

function isSilent(): boolean {
  return process.env.PM2_SILENT === "true" || process.env.PM2_PROGRAMMATIC === "true";
}
