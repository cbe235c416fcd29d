// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";
import type { Peers } from "./peers";

/**
 * What has become of a request: the answers, and how many of those that were asked did not answer in time.
 */
export interface Answers {
  answers: unknown[];
  missing: number;
}

interface OpenRequest {
  missing: Set<string>;
  answers: unknown[];
  finish(): void;
}

/**
 * Requests that each of the asked adapters answers once. Adapters that are gone or silent are not waited for.
 */
export class Requests {
  private readonly open = new Map<string, OpenRequest>();

  constructor(
    private readonly clock: Clock,
    private readonly peers: Peers,
  ) {}

  /** Waits for the answers of these adapters, for so long at most. */
  wait(id: string, uids: readonly string[], timeoutMs: number): Promise<Answers> {
    const missing = new Set(this.peers.ask(uids));
    const answers: unknown[] = [];
    if (missing.size === 0) return Promise.resolve({ answers, missing: 0 });
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timeout);
        clearTimeout(silence);
        this.open.delete(id);
        resolve({ answers, missing: missing.size });
      };
      const timeout = this.clock.after(timeoutMs, finish);
      const silence = this.clock.after(this.peers.silenceMs, () => {
        for (const uid of [...missing])
          if (this.peers.isSilent(uid)) this.settle({ missing, answers, finish }, uid);
      });
      this.open.set(id, { missing, answers, finish });
    });
  }

  answered(id: string, uid: string, answers: readonly unknown[]): void {
    const request = this.open.get(id);
    if (!request) return;
    for (const answer of answers) request.answers.push(answer);
    this.settle(request, uid);
  }

  /** The adapter is gone and will not answer. */
  left(uid: string): void {
    for (const request of [...this.open.values()]) this.settle(request, uid);
  }

  private settle({ missing, finish }: OpenRequest, uid: string): void {
    if (missing.delete(uid) && missing.size === 0) finish();
  }
}
