// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";

/**
 * The adapters of one namespace in other workers. The primary says which come and go, so none has to send
 * heartbeats. But a process may stand still without being gone, in an endless loop, say. That shows when it
 * is asked something: one that has said nothing for a while since it was asked is silent, and is not waited
 * for until it is heard again.
 */
export class Peers {
  private readonly present = new Set<string>();
  /** For each that was asked and has said nothing since: when it was first asked. */
  private readonly askedAt = new Map<string, number>();
  /** Resolves `known`; set while the primary has not said yet who is there. */
  private markKnown: (() => void) | undefined;
  /** Resolves when the primary has said who is there, or when it is certain that it will not. */
  known: Promise<void> = Promise.resolve();

  /** @param silenceMs after how long one that was asked and says nothing is silent */
  constructor(
    private readonly clock: Clock,
    readonly silenceMs: number,
  ) {}

  expect(): void {
    if (this.markKnown) return;
    this.known = new Promise((resolve) => {
      this.markKnown = resolve;
    });
  }

  /** How many there are, without the silent ones. */
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

  /** Forgets all, because none of them will be heard any more. Returns who was there. */
  giveUp(): string[] {
    const all = [...this.present];
    this.change([], all);
    return all;
  }

  /** Notes that these are being asked something. Returns those that can be expected to answer. */
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
