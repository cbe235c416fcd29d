// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";

/**
 * The adapters of one namespace in other workers. The primary says who comes and goes, so nobody has to show that it is
 * still there. But a process may stand still without having gone. That is noticed when it is asked something: one that has
 * said nothing for a while since it was asked is not waited for any more, until it is heard again.
 */
export class Peers {
  private readonly present = new Set<string>();
  /** When those were first asked that have said nothing since. */
  private readonly askedAt = new Map<string, number>();
  /** Set while it is not known who is there. */
  private markKnown: (() => void) | undefined;
  /** Resolves when the primary has said who is there, or is not going to say it. */
  known: Promise<void> = Promise.resolve();

  /** @param silenceMs for how long one that was asked may say nothing */
  constructor(
    private readonly clock: Clock,
    readonly silenceMs: number,
  ) {}

  /** The primary is about to say who is there. */
  expect(): void {
    if (this.markKnown) return;
    this.known = new Promise((resolve) => {
      this.markKnown = resolve;
    });
  }

  /** How many there are, without those that are silent. */
  get count(): number {
    let count = 0;
    for (const uid of this.present) if (!this.isSilent(uid)) count++;
    return count;
  }

  change(came: readonly string[], went: readonly string[]): void {
    for (const uid of came) this.present.add(uid);
    for (const uid of went) {
      this.present.delete(uid);
      this.askedAt.delete(uid);
    }
    this.markKnown?.();
    this.markKnown = undefined;
  }

  /** Nobody is heard any more. Returns who was there. */
  giveUp(): string[] {
    const all = [...this.present];
    this.change([], all);
    return all;
  }

  /** These are asked something now. Returns those that can be expected to answer. */
  ask(uids: readonly string[]): string[] {
    const expected = uids.filter((uid) => !this.isSilent(uid));
    for (const uid of uids) if (!this.askedAt.has(uid)) this.askedAt.set(uid, this.clock.now());
    return expected;
  }

  heard(uid: string): void {
    this.askedAt.delete(uid);
  }

  isSilent(uid: string): boolean {
    const askedAt = this.askedAt.get(uid);
    return askedAt !== undefined && this.clock.now() - askedAt >= this.silenceMs;
  }
}
