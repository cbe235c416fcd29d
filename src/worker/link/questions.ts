// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";
import { ANSWERS, type Answer, type Question, type ToPrimary, type ToWorker } from "../../protocol/messages";

/** A question without the number that its answer will carry. */
export type Unnumbered<Q extends Question["type"]> = Omit<Extract<Question, { type: Q }>, "seq">;

/**
 * What this worker has asked the primary and has no answer to yet. Each question is answered once: by the primary, by its
 * deadline, or because the link has ended.
 */
export class Questions {
  private readonly open = new Map<number, (answer: Answer | undefined) => void>();
  private nextSeq = 1;

  constructor(
    private readonly clock: Clock,
    /** Returns false if the question cannot be sent. */
    private readonly send: (question: ToPrimary, name?: string) => boolean,
  ) {}

  /**
   * Asks the primary.
   *
   * @param deadlineMs after this time there is no answer
   * @param take makes the result of the answer, in its place among all that comes over the link: what follows the answer
   *   has not been heard yet. `undefined` means that there is none.
   * @param name what the question is called if it is too large to be sent
   */
  ask<Q extends Question["type"], R>(
    question: Unnumbered<Q>,
    deadlineMs: number,
    take: (answer: Answer<Q> | undefined) => R | Promise<R>,
    name?: string,
  ): Promise<R> {
    const seq = this.nextSeq++;
    return new Promise((resolve) => {
      const settle = (answer: Answer | undefined) => {
        clearTimeout(timer);
        this.open.delete(seq);
        resolve(take(answer as Answer<Q> | undefined));
      };
      const timer = this.clock.after(deadlineMs, () => settle(undefined));
      this.open.set(seq, settle);
      if (!this.send({ ...question, seq } as unknown as ToPrimary, name)) settle(undefined);
    });
  }

  /** Returns whether the message is an answer that somebody waits for. */
  answered(message: ToWorker): boolean {
    if (!ANSWERS.has(message.type)) return false;
    const { seq } = message as Answer;
    const settle = this.open.get(seq);
    settle?.(message as Answer);
    return settle !== undefined;
  }

  /** Nobody answers any more. */
  giveUp(): void {
    for (const settle of [...this.open.values()]) settle(undefined);
  }
}
